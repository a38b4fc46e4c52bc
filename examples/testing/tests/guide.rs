//! The guide's page on testing shows parts of these files, as they are.

use std::fs::read_to_string;

#[test]
fn the_guide_shows_what_is_tested_here() -> Result<(), std::io::Error> {
    let here = env!("CARGO_MANIFEST_DIR");
    let page = read_to_string(format!("{here}/../../docs/guide/testing.md"))?;
    let tools = ["axum_test", "reqwest"].map(|tool| format!("{here}/tests/{tool}.rs"));
    let blocks = page.split("```rust,ignore\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|block| block.split("```").next()).collect();
    assert_eq!(blocks.len(), tools.len());
    for (block, tool) in blocks.into_iter().zip(tools) {
        let lines: Vec<_> =
            read_to_string(&tool)?.lines().map(|line| line.trim().to_owned()).collect();
        assert!(lines.join("\n").contains(block.trim_end()), "{tool} has no\n{block}");
    }
    Ok(())
}
