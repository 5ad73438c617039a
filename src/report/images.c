/* Pictures of a run folder, and how they get into a page. */
#include "base/file.h"
#include "report/atlas.h"
#include <stdlib.h>
#include <string.h>

static int64_t big_endian(const unsigned char *s, int bytes)
{
  int64_t value = 0;
  for (int i = 0; i < bytes; i++) value = value << 8 | s[i];
  return value;
}

/* Width and height from a frame header (SOF) of a JPEG; false where there is none. */
static bool jpeg_size(const unsigned char *s, size_t length, int64_t *width, int64_t *height)
{
  for (size_t at = 2; at + 9 < length && s[at] == 0xff;) {
    const int kind = s[at + 1];
    if (kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc) {
      *height = big_endian(s + at + 5, 2), *width = big_endian(s + at + 7, 2);
      return true;
    }
    at += 2 + (size_t)big_endian(s + at + 2, 2);
  }
  return false;
}

/* The type of a picture, by its first bytes, and its size; NULL for anything else. */
static const char *picture_type(const Text *file, int64_t *width, int64_t *height)
{
  const unsigned char *s = (const unsigned char *)file->s;
  if (file->length > 24 && !memcmp(s, "\x89PNG\r\n\x1a\n", 8)) {
    *width = big_endian(s + 16, 4), *height = big_endian(s + 20, 4);
    return *width > 0 && *height > 0 ? "image/png" : NULL;
  }
  if (file->length > 10 && s[0] == 0xff && s[1] == 0xd8 &&
      jpeg_size(s, file->length, width, height))
    return *width > 0 && *height > 0 ? "image/jpeg" : NULL;
  return NULL;
}

static void put_base64(Text *to, const Text *bytes)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *s = (const unsigned char *)bytes->s;
  for (size_t i = 0; i < bytes->length; i += 3) {
    const size_t left = bytes->length - i;
    const unsigned three = (unsigned)s[i] << 16 | (left > 1 ? (unsigned)s[i + 1] << 8 : 0) |
                           (left > 2 ? (unsigned)s[i + 2] : 0);
    char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                    left > 1 ? digits[three >> 6 & 63] : '=', left > 2 ? digits[three & 63] : '='};
    text_append(to, four, 4);
  }
}

int64_t image_index(const Images *images, const char *name)
{
  for (int64_t i = 0; i < images->count; i++)
    if (!strcmp(images->image[i].name, name)) return i;
  return -1;
}

/* A name of a file in the folder, and nothing else. */
static bool is_plain(const char *name)
{
  return *name && *name != '.' && !strchr(name, '/');
}

static PetscErrorCode ReadOne(const char *folder, const char *name, Images *images)
{
  char *path = path_join(folder, name);
  Text file = {0};
  bool found;

  PetscFunctionBegin;
  PetscCall(FileRead(path, &file, &found));
  Image image = {.name = NULL};
  const char *type = found ? picture_type(&file, &image.width, &image.height) : NULL;
  if (type) {
    Image *grown = realloc(images->image, (size_t)(images->count + 1) * sizeof(*grown));
    PetscCheck(grown, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory");
    images->image = grown;
    image.name = text_copy(name);
    text_add(&image.uri, "data:%s;base64,", type);
    put_base64(&image.uri, &file);
    grown[images->count++] = image;
  }
  text_clear(&file);
  free(path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ImagesRead(const Report *report, Images *images)
{
  const Table *atlas = report->atlas;
  char *folder = path_join(report->dir, "atlas");
  const char *before = "";

  PetscFunctionBegin;
  *images = (Images){0};
  for (int64_t r = 0; r < atlas->rows; r++) {
    const char *name = table_cell(atlas, r, "image");
    if (!strcmp(name, before) || !is_plain(name) || image_index(images, name) >= 0) continue;
    PetscCall(ReadOne(folder, name, images));
    before = name;
  }
  free(folder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ImagesDestroy(Images *images)
{
  PetscFunctionBegin;
  for (int64_t i = 0; i < images->count; i++) {
    free(images->image[i].name);
    text_clear(&images->image[i].uri);
  }
  free(images->image);
  *images = (Images){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A name as part of an address. */
static void put_address(Text *to, const char *name)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  for (; *name; name++)
    if (strchr(plain, *name))
      text_append(to, name, 1);
    else
      text_add(to, "%%%02X", (unsigned char)*name);
}

void put_images(Text *to, const Report *report, const Images *images, int64_t first, int64_t end,
                size_t most, const char *folder)
{
  bool *named = calloc((size_t)images->count + 1, sizeof(*named));
  size_t used = 0;
  if (!named) abort();
  for (int64_t r = first; r < end; r++) {
    const int64_t i = image_index(images, table_cell(report->atlas, r, "image"));
    if (i >= 0) named[i] = true;
  }
  for (int64_t i = 0; i < images->count; i++) {
    const Image *image = &images->image[i];
    if (!named[i]) continue;
    text_add(to, "<image id=\"image-%lld\" width=\"%lld\" height=\"%lld\" href=\"", (long long)i,
             (long long)image->width, (long long)image->height);
    if (used + image->uri.length <= most) {
      text_append(to, image->uri.s, image->uri.length);
      used += image->uri.length;
    } else {
      text_add(to, "%s/", folder), put_address(to, image->name);
    }
    text_add(to, "\"/>\n");
  }
  free(named);
}
