/* Pieces of a page. */
#include "report/html.h"
#include "report/svg.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_CELL = 60 };

static bool reads_as_number(const char *cell, double *value)
{
  char *end;
  if (strspn(cell, "+-.0123456789eE") != strlen(cell)) return false;
  *value = strtod(cell, &end);
  return *cell && !*end;
}

bool column_is_number(const Table *table, int column)
{
  static const char *const names[] = {"run", "run_a", "run_b", "anchors", "model", "reason"};
  bool any = false;
  double value;
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
    if (!strcmp(table->names[column], names[i])) return false;
  for (int64_t r = 0; r < table->rows; r++) {
    const char *cell = table->cells[r * table->columns + column];
    if (*cell && strcmp(cell, "-") && !reads_as_number(cell, &value)) return false;
    any = any || *cell;
  }
  return any;
}

void cell_words(Text *to, const char *cell, bool number)
{
  double value;
  if (!number || !reads_as_number(cell, &value)) {
    text_add(to, "%s", cell);
    return;
  }
  const double size = fabs(value);
  if (size > 0 && size < 1e-3)
    text_add(to, "%.3g", value);
  else if (size == floor(size) || size >= 1e6)
    text_short(to, value);
  else
    text_fixed(to, value, size < 10 ? 4 : size < 100 ? 3 : 2);
}

void html_cell(Text *to, const char *cell, bool number)
{
  Text words = {0};
  cell_words(&words, cell, number);
  if (words.length > LONG_CELL)
    text_add(to, "<div class=\"long\" tabindex=\"0\">"), text_safe(to, words.s),
        text_add(to, "</div>");
  else
    text_safe(to, words.s ? words.s : "");
  text_clear(&words);
}

/* A column's name, which may break after _ and . */
static void put_name(Text *to, const char *name)
{
  if (strlen(name) > LONG_CELL) {
    html_cell(to, name, false);
    return;
  }
  while (*name) {
    const size_t length = strcspn(name, "_."), more = name[length] != 0;
    char part[LONG_CELL + 1] = "";
    memcpy(part, name, length + more);
    text_safe(to, part);
    if (more) text_add(to, "<wbr/>");
    name += length + more;
  }
}

static void put_head(Text *to, const Table *table)
{
  text_add(to, "<thead><tr>");
  for (int c = 0; c < table->columns; c++) {
    text_add(to, "<th scope=\"col\"%s>", column_is_number(table, c) ? " class=\"n\"" : "");
    put_name(to, table->names[c]);
    text_add(to, "</th>");
  }
  text_add(to, "</tr></thead>\n");
}

void html_table(Text *to, const Table *table, const char *caption, int64_t most)
{
  bool *number = calloc((size_t)table->columns + 1, sizeof(*number));
  if (!number) abort();
  for (int c = 0; c < table->columns; c++) number[c] = column_is_number(table, c);
  text_add(to, "<div class=\"frame\" tabindex=\"0\" role=\"group\" aria-label=\"");
  text_safe(to, caption), text_add(to, "\"><table><caption>"), text_safe(to, caption);
  text_add(to, "</caption>\n");
  put_head(to, table);
  text_add(to, "<tbody>\n");
  for (int64_t r = 0; r < table->rows && r < most; r++) {
    text_add(to, "<tr>");
    for (int c = 0; c < table->columns; c++) {
      const char *cell = table->cells[r * table->columns + c];
      const bool bad = !strcmp(table->names[c], "status") && strcmp(cell, "done");
      text_add(to, c ? "<td%s>" : "<th scope=\"row\"%s>",
               number[c] ? " class=\"n\""
               : bad     ? " class=\"bad\""
                         : "");
      html_cell(to, cell, number[c]);
      text_add(to, c ? "</td>" : "</th>");
    }
    text_add(to, "</tr>\n");
  }
  text_add(to, "</tbody></table></div>\n");
  free(number);
}

void html_details(Text *to, const char *summary, const Table *table, int64_t most,
                  const char *whole)
{
  text_add(to, "<details><summary>"), text_safe(to, summary);
  text_add(to, " (%lld row%s)</summary>\n", (long long)table->rows, table->rows == 1 ? "" : "s");
  html_table(to, table, summary, most);
  if (table->rows > most) {
    text_add(to, "<p class=\"small\">The first %lld of %lld rows; all of them are in <a href=\"",
             (long long)most, (long long)table->rows);
    text_safe(to, whole), text_add(to, "\">"), text_safe(to, whole), text_add(to, "</a>.</p>\n");
  }
  text_add(to, "</details>\n");
}

void html_term(Text *to, const char *term, const char *value)
{
  text_add(to, "<div><dt>"), text_safe(to, term);
  text_add(to, "</dt><dd>"), html_cell(to, value, false);
  text_add(to, "</dd></div>\n");
}

static const char sheet[] =
    ":root{color-scheme:light dark;--paper:#fff;--words:#1b2430;--quiet:#576271;--line:#dfe4ea;"
    "--soft:#f5f7f9;--link:#0a5ca8;--warm:#b0500a}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0 auto;max-width:996px;padding:0 48px "
    "64px;background:var(--paper);color:var(--words);"
    "font:16px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}\n"
    "h1,h2,.lead{font-family:Charter,'Bitstream Charter','Iowan Old Style','Source Serif 4',"
    "'Source Serif Pro',Georgia,'DejaVu Serif',serif;text-wrap:balance}\n"
    "h1{font-size:clamp(2rem,6vw,3.1rem);line-height:1.1;letter-spacing:-.02em;margin:.15em 0 "
    ".35em;"
    "font-weight:600;overflow-wrap:anywhere}\n"
    "h2{font-size:clamp(1.4rem,4vw,1.85rem);line-height:1.2;letter-spacing:-.012em;margin:0 0 .7em;"
    "font-weight:600}\n"
    "h3{font-size:1.05rem;margin:2em 0 .6em}\n"
    ".lead{font-size:1.22rem;line-height:1.5;max-width:62ch;text-wrap:pretty;margin:0 0 1.2em}\n"
    ".kind{color:var(--quiet);font-size:.82rem;letter-spacing:.09em;text-transform:uppercase;"
    "margin:0}\n"
    "header{padding:56px 0 8px}\n"
    "header.long h1{max-height:4.6em;overflow:auto;font-size:1.4rem}\n"
    "nav{font-size:.9rem;border-top:1px solid var(--line);border-bottom:1px solid var(--line);"
    "padding:10px 0;display:flex;flex-wrap:wrap;gap:4px 22px}\n"
    "section{margin:64px 0 0;scroll-margin-top:24px}\n"
    "p,dd,li{overflow-wrap:anywhere}\n"
    ".words{max-width:74ch;color:var(--words);font-size:.95rem;text-wrap:pretty}\n"
    ".small{font-size:.86rem;color:var(--quiet)}\n"
    "a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:1px}\n"
    "a:focus-visible,summary:focus-visible,.frame:focus-visible,.long:focus-visible"
    "{outline:2px solid var(--link);outline-offset:3px}\n"
    "figure{margin:0}\n"
    ".wide>svg,.narrow>svg{display:block;width:100%;height:auto;font-variant-numeric:tabular-nums;"
    "overflow:visible}\n"
    ".narrow{display:none}.defs{position:absolute;width:0;height:0}\n"
    "summary h3{display:inline-block;margin:0;vertical-align:top;max-height:4.2em;overflow:auto;"
    "overflow-wrap:anywhere;max-width:96%}details.model{border-top:1px solid "
    "var(--line);padding:.5em "
    "0;margin:0}details.model>summary{margin-bottom:.6em;width:auto}\n"
    ".files{font-size:.86rem;color:var(--quiet);margin:.4em 0 1em}\n"
    ".frame{overflow-x:auto;border:1px solid var(--line);border-radius:8px;margin:.8em 0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.86rem;line-height:1.4;"
    "font-variant-numeric:tabular-nums}\n"
    "caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    "th,td{padding:7px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--line);"
    "white-space:nowrap}\n"
    "thead "
    "th{border-top:0;background:var(--soft);font-weight:600;vertical-align:bottom;white-space:"
    "normal}\n"
    "tbody th{font-weight:600}\n"
    "th.n,td.n{text-align:right}\n"
    "small{font-size:.86em;font-weight:400;color:var(--quiet)}\n"
    ".glance th,.glance td{padding:7px 9px}.glance .first{border-left:1px solid var(--line)}"
    ".glance thead tr+tr th{border-top:0;padding-top:0}.glance tbody th small{white-space:normal}\n"
    "td.note,td.wrap,th.wrap{white-space:normal;min-width:14ch}\n"
    ".long{max-width:44ch;min-width:28ch;max-height:6.2em;overflow:auto;white-space:pre-wrap;"
    "overflow-wrap:anywhere}dd .long{min-width:0;max-width:none}\n"
    ".yes{font-weight:600;color:var(--link)}.no{color:var(--quiet)}.bad{font-weight:600;color:var(-"
    "-warm)}\n"
    "details{margin:.8em 0}\n"
    "summary{cursor:pointer;color:var(--link);font-size:.95rem;width:fit-content}\n"
    "dl{margin:.8em 0;display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:0 "
    "28px}\n"
    "dl>div{border-top:1px solid var(--line);padding:8px 0;min-width:0}\n"
    "dt{color:var(--quiet);font-size:.8rem}dd{margin:0;font-size:.92rem}\n"
    "dl.words{display:block;max-width:80ch}dl.words "
    "dt{color:var(--words);font-weight:600;font-size:.95rem}\n"
    "pre{background:var(--soft);border:1px solid var(--line);border-radius:8px;padding:14px "
    "16px;overflow:auto;"
    "font:.84rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}\n"
    ".nothing{border:1px dashed var(--line);border-radius:8px;padding:22px;color:var(--quiet)}\n"
    "footer{margin-top:72px;border-top:1px solid "
    "var(--line);padding-top:14px;color:var(--quiet);font-size:.86rem}\n"
    "@media (max-width:720px){body{padding:0 20px "
    "48px}header{padding-top:32px}section{margin-top:48px}"
    ".wide{display:none}.narrow{display:block}.narrow>svg{max-width:440px;margin:0 auto}"
    "th,td{padding:6px 9px}.lead{font-size:1.1rem}}\n";

static const char dark[] =
    ":root{--paper:#11161c;--words:#e9edf2;--quiet:#a9b4c0;--line:#2c353f;--soft:#1a212a;"
    "--link:#74bbf5;--warm:#f2a65e}\n";

static const char print[] =
    "@page{margin:16mm}\n"
    "@media "
    "print{body{max-width:none;padding:0;font-size:9.5pt}header{padding-top:0}nav{display:none}"
    "section{margin-top:22pt}.wide,tr,dl>div{break-inside:avoid}h2,h3,thead{break-after:avoid}"
    ".wide{display:block}.narrow{display:none}details:not([open]){display:none}"
    ".frame{overflow:visible;border:0}table{font-size:7.5pt}th,td{padding:2pt "
    "4pt;white-space:normal}"
    ".glance th,.glance td{padding:2pt 4pt;white-space:nowrap}.words{max-width:none}"
    ".long{max-height:none}a{color:inherit;text-decoration:none}"
    "svg *,thead th,pre{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";

void html_style(Text *to)
{
  text_append(to, sheet, sizeof(sheet) - 1);
  text_add(to, "@media screen and (prefers-color-scheme:dark){\n");
  text_append(to, dark, sizeof(dark) - 1);
  svg_style(to);
  text_add(to, "}\n");
  text_append(to, print, sizeof(print) - 1);
}
