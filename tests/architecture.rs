//! docs/ARCHITECTURE.md is what the sources are: which module uses which, and which file alone may name
//! what. Every path in `src/` is looked at: `use` with its groups, paths in code, and those in macros.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Every module may call it, and it names what they are: the one module without a place in the order.
const ANYWHERE: &str = "logging.rs";

/// A row of the table of modules.
#[derive(Debug)]
struct Row {
    /// `crypto/key.rs`, or a folder: `codec/`.
    module: String,
    /// The rows, or folders of rows, that it says it uses.
    uses: BTreeSet<String>,
    /// Above the line: knows no HTTP and no async.
    core: bool,
}

/// What a file names, apart from itself. What stands under `#[cfg(test)]` does not count.
#[derive(Debug, Default)]
struct Named {
    /// Files of this crate: `crypto/key.rs`.
    files: BTreeSet<String>,
    /// All other paths, with `::` between their parts: `http::HeaderMap`, `std::sync::Mutex`.
    outside: BTreeSet<String>,
    /// `async` or `.await` occurs.
    is_async: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn architecture() -> String {
    std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("docs/ARCHITECTURE.md")
}

/// The rows of the table whose first heading is this, cell by cell.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = architecture();
    let start = format!("| {heading} |");
    let rows: Vec<_> = text
        .lines()
        .skip_while(|line| !line.starts_with(&start))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "docs/ARCHITECTURE.md has no table that begins with `{start}`");
    rows
}

/// What stands in backticks.
fn code(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

fn modules() -> Vec<Row> {
    let mut core = true;
    let mut rows = Vec::new();
    for cells in table("module") {
        match code(&cells[0]).next() {
            // The line under the core has no module.
            None => core = false,
            Some(module) => rows.push(Row { module, uses: code(&cells[2]).collect(), core }),
        }
    }
    assert!(!core, "the table has a line without a module, where the core ends");
    rows
}

/// All files of `src/` but the programs', which can only use the public API, and those of tests.
fn sources() -> BTreeMap<String, PathBuf> {
    fn walk(folder: &Path, under: &str, files: &mut BTreeMap<String, PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder of src/") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
            if path.is_dir() {
                walk(&path, &format!("{under}{name}/"), files);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                files.insert(format!("{under}{name}"), path);
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&root().join("src"), "", &mut files);
    files.retain(|file, _| !file.starts_with("bin/"));
    assert!(files.contains_key("lib.rs"));
    files
}

fn is_within(file: &str, module: &str) -> bool {
    file == module || (module.ends_with('/') && file.starts_with(module))
}

/// The row that a file belongs to: the one that names it most closely.
fn row_of<'r>(rows: &'r [Row], file: &str) -> Option<&'r Row> {
    rows.iter().filter(|row| is_within(file, &row.module)).max_by_key(|row| row.module.len())
}

/// Where a file's module stands: `crypto/key.rs` is `crypto::key`, `codec/mod.rs` is `codec`.
fn module_path(file: &str) -> Vec<String> {
    let mut path: Vec<_> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

/// The file that a path from the crate's root leads into, as far as there are files.
fn file_of(files: &BTreeMap<String, PathBuf>, path: &[String]) -> String {
    (1..=path.len())
        .rev()
        .map(|len| path[..len].join("/"))
        .flat_map(|stem| [format!("{stem}.rs"), format!("{stem}/mod.rs")])
        .find(|file| files.contains_key(file))
        .unwrap_or_else(|| "lib.rs".to_owned())
}

struct Reader<'f> {
    files: &'f BTreeMap<String, PathBuf>,
    /// What lib.rs re-exports: `Key` is `crypto::key::Key`.
    reexports: &'f BTreeMap<String, Vec<String>>,
    file: &'f str,
    /// Where we are, modules within the file included.
    here: Vec<String>,
    named: Named,
}

impl Reader<'_> {
    fn path(&mut self, path: &[String]) {
        let mut from_root = match path[0].as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.here.clone(),
            name if self.is_child(name) => self.here.clone(),
            _ => {
                self.named.outside.insert(path.join("::"));
                return;
            }
        };
        for part in path {
            match part.as_str() {
                "crate" | "self" => {}
                "super" => drop(from_root.pop()),
                name => from_root.push(name.to_owned()),
            }
        }
        let mut file = file_of(self.files, &from_root);
        if let (true, Some(path)) =
            (file == "lib.rs", from_root.first().and_then(|name| self.reexports.get(name)))
        {
            file = file_of(self.files, path);
        }
        if file != self.file {
            self.named.files.insert(file);
        }
    }

    /// Whether a name is that of a file below this one: `mod text;` makes `text::decode` a path.
    fn is_child(&self, name: &str) -> bool {
        let child = [&self.here[..], &[name.to_owned()]].concat().join("/");
        self.files.contains_key(&format!("{child}.rs"))
            || self.files.contains_key(&format!("{child}/mod.rs"))
    }

    fn use_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        for path in leaves(before, tree) {
            self.path(&path);
        }
    }

    /// A macro's arguments are tokens: `a::b` is a path there, too.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(&mut path);
                    }
                    if ident == "async" || ident == "await" {
                        self.named.is_async = true;
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(&mut path);
                    colons = 0;
                    self.tokens(group.stream());
                }
                _ => {
                    self.end(&mut path);
                    colons = 0;
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.path(path);
        }
        path.clear();
    }
}

/// Each path of a `use`, its groups taken apart.
fn leaves(before: &[String], tree: &syn::UseTree) -> Vec<Vec<String>> {
    let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => leaves(&with(&path.ident), &path.tree),
        syn::UseTree::Name(name) => vec![with(&name.ident)],
        syn::UseTree::Rename(rename) => vec![with(&rename.ident)],
        syn::UseTree::Glob(_) => vec![before.to_vec()],
        syn::UseTree::Group(group) => {
            group.items.iter().flat_map(|tree| leaves(before, tree)).collect()
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        for statement in &block.stmts {
            let for_tests = match statement {
                syn::Stmt::Expr(syn::Expr::If(expression), _) => is_for_tests(&expression.attrs),
                syn::Stmt::Expr(syn::Expr::Block(expression), _) => is_for_tests(&expression.attrs),
                _ => false,
            };
            if !for_tests {
                self.visit_stmt(statement);
            }
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() {
            self.here.push(module.ident.to_string());
            visit::visit_item_mod(self, module);
            self.here.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let path: Vec<_> = path.segments.iter().map(|part| part.ident.to_string()).collect();
            self.path(&path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.named.is_async |= signature.asyncness.is_some();
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {
        self.named.is_async = true;
    }

    fn visit_expr_await(&mut self, _: &'ast syn::ExprAwait) {
        self.named.is_async = true;
    }
}

/// What each file names.
fn named() -> BTreeMap<String, Named> {
    let files = sources();
    let parsed: BTreeMap<_, _> = files
        .iter()
        .map(|(file, path)| {
            let text = std::fs::read_to_string(path).expect("a source");
            (file, syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
        })
        .collect();
    let mut reexports = BTreeMap::new();
    for item in &parsed[&"lib.rs".to_owned()].items {
        if let syn::Item::Use(item) = item {
            for path in leaves(&[], &item.tree) {
                if path[0] == "crate" {
                    reexports.insert(path[path.len() - 1].clone(), path[1..].to_vec());
                }
            }
        }
    }
    parsed
        .iter()
        .map(|(file, syntax)| {
            let mut reader = Reader {
                files: &files,
                reexports: &reexports,
                file,
                here: module_path(file),
                named: Named::default(),
            };
            reader.visit_file(syntax);
            ((*file).clone(), reader.named)
        })
        .collect()
}

#[test]
fn no_way_to_name_a_module_is_overlooked() {
    let files: BTreeMap<_, _> = ["lib.rs", "a.rs", "b.rs", "c/mod.rs", "c/d.rs", "c/e.rs", "f.rs"]
        .map(|file| (file.to_owned(), PathBuf::new()))
        .into();
    let reexports = [("Thing".to_owned(), vec!["f".to_owned(), "Thing".to_owned()])].into();
    let syntax = syn::parse_str(
        "use crate::{a::{self, X}, Thing};
         mod inner { fn f() { super::super::super::b::g() } }
         fn g() { println!(\"{}\", [super::e::CONST]); std::fs::read(\"\") }
         #[cfg(test)] mod tests { use crate::c::e; use http::Method; }",
    )
    .expect("Rust");
    let mut reader = Reader {
        files: &files,
        reexports: &reexports,
        file: "c/d.rs",
        here: module_path("c/d.rs"),
        named: Named::default(),
    };
    reader.visit_file(&syntax);
    assert_eq!(Vec::from_iter(reader.named.files), ["a.rs", "b.rs", "c/e.rs", "f.rs"]);
    assert_eq!(Vec::from_iter(reader.named.outside), ["std::fs::read"]);
}

/// Fails with all findings at once.
fn none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "docs/ARCHITECTURE.md and src/ differ:\n  {}",
        findings.join("\n  ")
    );
}

#[test]
fn every_file_has_a_row_and_every_row_a_file() {
    let (rows, files) = (modules(), sources());
    let homeless = files.keys().filter(|file| row_of(&rows, file).is_none());
    let empty = rows
        .iter()
        .filter(|row| !row.module.starts_with("bin/"))
        .filter(|row| !files.keys().any(|file| is_within(file, &row.module)));
    none(
        &homeless
            .map(|file| format!("src/{file} belongs to no row"))
            .chain(empty.map(|row| format!("`{}` is not in src/", row.module)))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_module_uses_what_its_row_says_and_nothing_else() {
    let rows = modules();
    let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, named) in &named() {
        let Some(row) = row_of(&rows, file) else { continue };
        for other in &named.files {
            match row_of(&rows, other) {
                Some(other) if other.module != row.module => {
                    used.entry(&row.module).or_default().insert(&other.module);
                }
                _ => {}
            }
        }
    }
    let mut findings = Vec::new();
    for row in rows.iter().filter(|row| row.module != "lib.rs" && !row.module.starts_with("bin/")) {
        let used = used.remove(row.module.as_str()).unwrap_or_default();
        for other in &used {
            if !row.uses.iter().any(|allowed| is_within(other, allowed)) {
                findings.push(format!("`{}` uses `{other}`; its row does not say so", row.module));
            }
        }
        for allowed in &row.uses {
            if !used.iter().any(|other| is_within(other, allowed)) {
                findings
                    .push(format!("`{}` does not use `{allowed}`; its row says so", row.module));
            }
        }
    }
    none(&findings);
}

#[test]
fn a_module_uses_only_what_stands_above_it() {
    let rows = modules();
    let place = |module: &str| rows.iter().position(|row| is_within(&row.module, module));
    let folder = |module: &str| module.split('/').next().map(str::to_owned);
    let mut findings = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        for other in &row.uses {
            match place(other) {
                None => findings.push(format!("`{other}`, which `{}` uses, is no row", row.module)),
                _ if row.module == ANYWHERE || other == ANYWHERE => {}
                Some(there) if there > at && folder(other) != folder(&row.module) => {
                    findings
                        .push(format!("`{}` uses `{other}`, which stands below it", row.module));
                }
                Some(_) => {}
            }
        }
    }
    none(&findings);
}

#[test]
fn only_its_home_names_a_thing() {
    let named = named();
    let mut findings = Vec::new();
    for cells in table("named") {
        let homes: Vec<_> = code(&cells[1]).collect();
        for thing in code(&cells[0]) {
            let mut found = false;
            for (file, named) in &named {
                let here = named
                    .outside
                    .iter()
                    .find(|path| **path == thing || path.starts_with(&format!("{thing}::")));
                let allowed = homes.iter().any(|home| is_within(file, home));
                found |= here.is_some() && allowed;
                if let (Some(path), false) = (here, allowed) {
                    findings.push(format!("src/{file} names `{path}`; only {} may", cells[1]));
                }
            }
            if !found {
                findings.push(format!("{} does not name `{thing}`", cells[1]));
            }
        }
    }
    none(&findings);
}

#[test]
fn the_core_is_not_async() {
    let rows = modules();
    none(
        &named()
            .iter()
            .filter(|(file, named)| {
                named.is_async && row_of(&rows, file).is_some_and(|row| row.core)
            })
            .map(|(file, _)| format!("src/{file} belongs to the core and is async"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn without_features_nothing_of_http_is_a_dependency() {
    let cargo = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--quiet", "--edges", "normal", "--no-default-features"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    let tree = String::from_utf8(cargo.stdout).expect("names of crates");
    assert!(tree.contains("serde_json "), "nothing was listed:\n{tree}");
    for name in tree.lines().filter_map(|line| line.split(' ').next()) {
        let of_http = ["http", "axum", "tower", "tokio", "hyper", "tracing"]
            .iter()
            .any(|of| name == *of || name.starts_with(&format!("{of}-")));
        assert!(!of_http, "{name} is there without features");
    }
}
