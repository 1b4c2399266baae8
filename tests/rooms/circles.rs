//! Circles in a graph of names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Who imports whom.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// One circle for each knot of the graph: a shortest one through the knot's first name, which stands at both its ends.
pub fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for start in graph.keys() {
        if seen.contains(start) {
            continue;
        }
        if let Some(circle) = shortest(graph, start) {
            let reached = reach(graph, start);
            seen.extend(reached.into_iter().filter(|name| reach(graph, name).contains(start)));
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a name back to itself.
fn shortest(graph: &Graph, start: &String) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![start.clone()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(&way[way.len() - 1]).into_iter().flatten() {
            let longer = [&way[..], std::slice::from_ref(next)].concat();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// Everything that a name imports, however indirectly.
fn reach(graph: &Graph, start: &String) -> BTreeSet<String> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![start]);
    while let Some(name) = left.pop() {
        for next in graph.get(name).into_iter().flatten() {
            if reached.insert(next.clone()) {
                left.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        circles(&graph).iter().map(|circle| circle.join(" ")).collect()
    }

    #[test]
    fn a_tree_and_a_diamond_have_no_circle() {
        assert_eq!(found(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]), [""; 0]);
    }

    #[test]
    fn circles_are_told_as_ways_from_a_name_back_to_it() {
        assert_eq!(found(&[("a", "b"), ("b", "a")]), ["a b a"]);
        assert_eq!(found(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")]), ["a b c a"]);
        assert_eq!(found(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "b")]), ["a b c a"]);
        assert_eq!(found(&[("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("a", "c")]), ["a b a", "c d c"]);
    }
}
