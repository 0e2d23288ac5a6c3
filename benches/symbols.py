#!/usr/bin/env python3
"""Precision and recall of the items that are found in source code, against parsers of the languages.

    cargo build --release -p lsearch-ingest --example measure
    pip install tree-sitter tree-sitter-rust tree-sitter-typescript …    # the languages to compare
    benches/symbols.py LANGUAGE FOLDER [--show N] [--files N] [--measure PROGRAM]

An item counts as found when a heading stands on its line. The reference is Python's own `ast` for Python and
the language's tree-sitter grammar for the others. Both take in what is nested: methods, inner classes and functions.
Files that the reference itself cannot parse without an error are left out.
"""

import argparse
import ast
import importlib
import pathlib
import random
import subprocess
import sys

ENDINGS = {
    "python": ["py"],
    "rust": ["rs"],
    "javascript": ["js", "mjs"],
    "typescript": ["ts"],
    "tsx": ["tsx"],
    "c": ["c", "h"],
    "cpp": ["cc", "cpp", "hpp", "cxx"],
    "java": ["java"],
    "go": ["go"],
    "csharp": ["cs"],
    "kotlin": ["kt"],
    "ruby": ["rb"],
    "php": ["php"],
    "swift": ["swift"],
    "scala": ["scala"],
}
MODULES = {
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "php": ("tree_sitter_php", "language_php"),
}
JAVASCRIPT = {
    "function_declaration",
    "generator_function_declaration",
    "class_declaration",
    "method_definition",
    "abstract_class_declaration",
    "interface_declaration",
    "enum_declaration",
    "type_alias_declaration",
    "internal_module",
    "function_signature",
}
# Node types that are items, by language.
ITEMS = {
    "rust": {
        "function_item",
        "function_signature_item",
        "struct_item",
        "enum_item",
        "union_item",
        "trait_item",
        "impl_item",
        "mod_item",
        "macro_definition",
    },
    "javascript": JAVASCRIPT,
    "typescript": JAVASCRIPT,
    "tsx": JAVASCRIPT,
    "c": {"function_definition", "struct_specifier", "union_specifier", "enum_specifier"},
    "cpp": {
        "function_definition",
        "struct_specifier",
        "union_specifier",
        "enum_specifier",
        "class_specifier",
        "namespace_definition",
    },
    "java": {
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "record_declaration",
        "method_declaration",
        "constructor_declaration",
    },
    "go": {"function_declaration", "method_declaration", "type_spec", "type_alias"},
    "csharp": {
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "struct_declaration",
        "record_declaration",
        "namespace_declaration",
        "file_scoped_namespace_declaration",
        "method_declaration",
        "constructor_declaration",
    },
    "kotlin": {"class_declaration", "object_declaration", "function_declaration"},
    "ruby": {"class", "module", "method", "singleton_method"},
    "php": {
        "function_definition",
        "class_declaration",
        "interface_declaration",
        "trait_declaration",
        "enum_declaration",
        "method_declaration",
        "namespace_definition",
    },
    "swift": {
        "class_declaration",
        "protocol_declaration",
        "function_declaration",
        "init_declaration",
        "protocol_function_declaration",
    },
    "scala": {
        "class_definition",
        "object_definition",
        "trait_definition",
        "enum_definition",
        "function_definition",
        "function_declaration",
    },
}
NEEDS_BODY = {
    "struct_specifier",
    "union_specifier",
    "enum_specifier",
    "class_specifier",
    "mod_item",
}


def python_items(source):
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.lineno: node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def name_of(node):
    """The node that names an item."""
    name = node.child_by_field_name("name")
    if name is not None:
        return name
    # C and C++ wrap the name into declarators.
    name = node.child_by_field_name("declarator")
    while name is not None and name.child_by_field_name("declarator") is not None:
        name = name.child_by_field_name("declarator")
    return name or next((child for child in node.children if "identifier" in child.type), None)


def is_function_value(node):
    """`const name = () => …` and `name.of.it = function …` as statements of their own."""
    if node.type == "variable_declarator":
        value, statement = node.child_by_field_name("value"), node.parent
    elif node.type == "assignment_expression":
        value, statement = node.child_by_field_name("right"), node.parent
        if statement.type != "expression_statement":
            return False
    elif node.type in ("public_field_definition", "field_definition"):
        value = node.child_by_field_name("value")
    else:
        return False
    return value is not None and value.type in (
        "arrow_function",
        "function_expression",
        "generator_function",
    )


def tree_items(source, parser, language):
    tree = parser.parse(source)
    if tree.root_node.has_error:
        return None
    found = {}
    cursor, done = tree.walk(), False
    while not done:
        node = cursor.node
        is_item = node.type in ITEMS[language]
        if node.type == "method_definition" and node.parent.type != "class_body":
            is_item = False
        if node.type in NEEDS_BODY and node.child_by_field_name("body") is None:
            is_item = False
        if language in ("javascript", "typescript", "tsx") and is_function_value(node):
            is_item = True
            name = node.child_by_field_name("name") or node.child_by_field_name("left")
        elif node.type == "impl_item":
            name = node
        else:
            name = name_of(node)
        if is_item and name is not None:
            text = source[name.start_byte : name.end_byte].decode(errors="replace")
            found[name.start_point[0] + 1] = text.split("\n")[0]
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while True:
            if not cursor.goto_parent():
                done = True
                break
            if cursor.goto_next_sibling():
                break
    return found


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("language", choices=sorted(ENDINGS))
    options.add_argument("folders", nargs="+", type=pathlib.Path)
    options.add_argument("--show", type=int, default=0, help="differences to show")
    options.add_argument("--files", type=int, default=600, help="files to compare at most")
    options.add_argument("--measure", default="target/release/examples/measure")
    args = options.parse_args()
    language = args.language
    paths = [
        p for f in args.folders for e in ENDINGS[language] for p in f.rglob(f"*.{e}") if p.is_file()
    ]
    paths.sort()
    random.Random(1).shuffle(paths)
    paths = paths[: args.files]

    if language != "python":
        from tree_sitter import Language, Parser

        module, function = MODULES.get(language, (f"tree_sitter_{language}", "language"))
        parser = Parser(Language(getattr(importlib.import_module(module), function)()))
    reference = {}
    for path in paths:
        source = path.read_bytes()
        if len(source) > 2_000_000 or source.startswith(b"\xef\xbb\xbf"):
            continue
        try:
            found = (
                python_items(source)
                if language == "python"
                else tree_items(source, parser, language)
            )
        except (SyntaxError, ValueError):
            found = None
        if found is not None:
            reference[str(path)] = found
    ours = {path: {} for path in reference}
    for start in range(0, len(reference), 200):
        batch = list(reference)[start : start + 200]
        output = subprocess.run(
            [args.measure, "--headings", *batch], capture_output=True, check=True
        ).stdout
        for line in output.decode(errors="replace").splitlines():
            parts = line.split("\t")
            if len(parts) >= 5 and parts[1] == "heading":
                ours[parts[0]][int(parts[2])] = parts[4]
    right = sum(len(ours[p].keys() & reference[p].keys()) for p in reference)
    all_ours, all_theirs = sum(map(len, ours.values())), sum(map(len, reference.values()))
    print(
        f"{language:11} {len(reference):5} files {all_theirs:7} items  "
        f"precision {100 * right / max(all_ours, 1):5.1f}  recall {100 * right / max(all_theirs, 1):5.1f}"
    )
    shown = 0
    for path in reference:
        for what, one, other in (("missed", reference, ours), ("extra", ours, reference)):
            for line in sorted(one[path].keys() - other[path].keys()):
                if shown < args.show:
                    shown += 1
                    print(f"  {what:7} {path}:{line}: {one[path][line]}")


if __name__ == "__main__":
    sys.exit(main())
