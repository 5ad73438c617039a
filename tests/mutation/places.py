"""The places of C functions that can be broken, and files in which every break is a function of its own.

Written for the style of this project: the braces of a function stand alone in column 0."""
import collections, hashlib, re


def mask(text):
    """The text with comments and strings blanked, of the same length."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0)) if m.group(0)[0] == "/" else '"' + "_" * (len(m.group(0)) - 2) + '"'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def functions(code):
    """(name, start, end) of the bodies, by the house style: braces of functions alone in column 0."""
    for match in re.finditer(r"^\{\n(.*?)^\}", code, flags=re.S | re.M):
        head = re.split(r"\n\s*\n|^[#}].*$|;\s*$", code[: match.start()].rstrip(), flags=re.M)[-1]
        name = re.search(r"(\w+)\s*\(", head)
        if name:
            yield name.group(1), match.start(1), match.end(1)


def closing(code, at):
    """Where the parenthesis, bracket or brace that opens at `at` closes."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if not depth:
            return i
    raise ValueError("unbalanced")


def split(code, start, end, mark):
    """Spans between marks outside of all parentheses."""
    at, i = start, start
    while i < end:
        if code[i] in "([{":
            i = closing(code, i)
        elif code[i] == mark:
            yield at, i
            at = i + 1
        i += 1
    yield at, end


def statements(code, start, end):
    """(kind, start, end): if, while and for with what is in their parentheses, and simple statements without `;`."""
    at = start
    while at < end:
        if code[at].isspace() or code[at] in "{};":
            at += 1
            continue
        word = re.match(r"(if|while|for|switch|else|do)\b", code[at:])
        if word and word.group(1) in ("else", "do"):
            at += word.end()
        elif word:
            opens = code.index("(", at)
            shuts = closing(code, opens)
            yield word.group(1), opens + 1, shuts
            at = shuts + 1
        elif re.match(r"(case\b[^:]*|default\s*):", code[at:]):
            at = code.index(":", at) + 1
        else:
            stop = next(split(code, at, end, ";"))[1]
            yield "simple", at, stop
            at = stop + 1


DECLARATION = re.compile(r"(?:(?:static|const|struct|unsigned)\s+)*(?!return\b|goto\b|else\b)[A-Za-z_]\w*(?:\s+(?:const|restrict))*(?P<star>[\s*]+)"
                         r"(?:const\s+|restrict\s+|\*)*[A-Za-z_]\w*(?:\[[^\]]*\])*\s*(?:=|,|$)")
TOKEN = re.compile(r"0x[0-9a-fA-Fp.+-]+[a-zA-Z]*|\d+\.?\d*(?:[eE][-+]?\d+)?[a-zA-Z]*|[A-Za-z_]\w*|->|\+\+|--|<<=?|>>=?|[-+*/&|<>=!]=|&&|\|\||\S")
OTHER = {"+": "-", "-": "+", "+=": "-=", "-=": "+=", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}


def other_number(word):
    if word[:2] == "0x":
        return None
    digits = re.match(r"[\d.]+(?:[eE][-+]?\d+)?", word).group(0)
    value, suffix = float(digits), word[len(digits):]
    real = "." in digits or "e" in digits.lower()
    other = 1 if value == 0 or value == 2 else 2 if value == 1 else value * 2 if real else value + 1
    return (repr(float(other)) if real else str(int(other))) + suffix


def operators(code, start, end):
    """(start, end, new text) of changes inside an expression: sign, number, comparison, junction, choice."""
    before = None
    for match in TOKEN.finditer(code, start, end):
        word, a, b = match.group(0), match.start(), match.end()
        if word[0].isdigit():
            other = other_number(word)
            if other:
                yield a, b, other
        elif word in "+-" and (before is None or not re.match(r"[\w)\]]", before[-1]) or before == "return"):
            if word == "-":
                yield a, b, ""
        elif word in OTHER:
            yield a, b, OTHER[word]
        elif word == "?":
            yield a, b, "|| 1 ?"
            yield a, b, "&& 0 ?"
        before = word


def mutants_of(code, start, end):
    """(start, end, new text, kind) of all changes of a function's body."""
    for kind, a, b in statements(code, start, end):
        body = code[a:b]
        if kind == "simple" and re.match(r"PetscFunctionBegin\w*$|PetscFunctionReturn\(PETSC_SUCCESS\)$|\(void\)|PetscCheck\(|goto\b", body):
            continue
        declares = kind == "simple" and DECLARATION.match(body)
        if kind == "if":
            yield a, b, f"!({code[a:b]})", "statement"
        if kind == "for":
            parts = list(split(code, a, b, ";"))
            bound = re.search(r"(?<![-<>])(<=?|>=?)(?![<>])\s*(?:->|[^&|;<>?])+", code[parts[1][0]:parts[1][1]]) if len(parts) == 3 else None
            if bound:
                yield parts[1][0] + bound.end(), parts[1][0] + bound.end(), " - 1", "statement"
            b = parts[1][1] if len(parts) == 3 else b  # the step of a loop decides only whether it ends
        elif kind == "simple" and declares:
            for c, e in split(code, a, b, ","):
                value = re.search(r"(?<![=<>!])=(?!=)\s*", code[c:e])
                if value and code[c + value.end():e].strip() != "false" and "*" not in declares.group("star") and "*" not in code[c:c + value.start()] and code[c + value.end()] != "{":
                    yield c + value.end(), e, "0", "statement"
        elif kind == "simple" and not re.match(r"return\b|PetscFunctionReturn", body):
            parts = list(split(code, a, b, ","))
            yield a, b, "", "statement"
            for c, e in parts if len(parts) > 1 else []:
                yield c, e, " (void)0", "statement"
        whole = kind == "if" and not re.search(r"&&|\|\|", body)  # where == for != is the negation, tried already
        yield from ((*m, "small") for m in operators(code, a, b) if not (whole and m[2] in ("==", "!=")))


Mutant = collections.namedtuple("Mutant", "key source function line digest shown kind body")
Function = collections.namedtuple("Function", "source name digest head start end mutants")


def functions_of(source, text, wanted):
    """The functions of a file that `wanted(name)` names, each with its breaks."""
    code, seen = mask(text), collections.Counter()
    for name, start, end in functions(code):
        if not wanted(name):
            continue
        before = code[: code.rindex("{", 0, start)].rstrip()
        head = re.split(r"\n\s*\n|^[#}].*$|;\s*$", before, flags=re.M)[-1]
        digest = hashlib.sha1(re.sub(r"\s+", " ", code[start:end]).encode()).hexdigest()[:12]
        found, tried = [], set()
        for a, b, new, kind in mutants_of(code, start, end):
            body = text[start:a] + new + text[b:end]
            if body == text[start:end] or body in tried:
                continue
            tried.add(body)
            first, last = text.rfind("\n", 0, a) + 1, text.find("\n", b)
            squeeze = lambda s: " ".join(s.split())
            shown = f"{squeeze(text[first:last])} → {squeeze(text[first:a] + new + text[b:last]) or ';'}"
            key = f"{source} {name}: {shown}"
            seen[key] += 1
            key += f" ({seen[key]})" if seen[key] > 1 else ""
            found.append(Mutant(key, source, name, text.count("\n", 0, a) + 1, digest, shown, kind, body))
        yield Function(source, name, digest, head.strip(), start, end, found)


def arguments(head, name):
    """The names of a function's parameters."""
    opens = re.search(rf"\b{name}\s*\(", head).end() - 1
    names = []
    for a, b in split(head, opens + 1, closing(head, opens), ","):
        one = re.sub(r"\[[^\]]*\]", "", head[a:b]).strip()
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)", one)
        if one != "void":
            names.append(pointer.group(1) if pointer else re.search(r"(\w+)$", one).group(1))
    return ", ".join(names)


def with_breaks(text, path, functions, number, left_out):
    """The file with all breaks of its functions, but those left out: `mutant`, a number, chooses. number(thing) is that of a function or break."""
    parts, at = ["extern int mutant;\nvoid mutant_enter(int function);\n", f'#line 1 "{path}"\n'], 0
    for f in functions:
        begins = text.rindex("{", 0, f.start)
        begins = mask(text).rindex(f.head, 0, begins)
        passed, cases = arguments(f.head, f.name), []
        parts += [text[at:begins], f.head + ";\n"]
        for m in f.mutants:
            if number(m) not in left_out:
                own = re.sub(rf"\b{f.name}(?=\s*\()", f"{f.name}__{number(m)}", re.sub(r"^(static|extern)\s+", "", f.head), count=1)
                parts.append(f'#line 1 "mutant-{number(m)}"\nstatic {own}\n{{\n{m.body}}}\n')
                cases.append(f"case {number(m)}: return {f.name}__{number(m)}({passed});")
        parts += [f'#line {text.count(chr(10), 0, begins) + 1} "{path}"\n', text[begins:f.start],
                  f"mutant_enter({number(f)}); switch (mutant) {{ {' '.join(cases)} }}\n", f'#line {text.count(chr(10), 0, f.start) + 1} "{path}"\n', text[f.start:f.end]]
        at = f.end
    return "".join(parts + [text[at:]])
