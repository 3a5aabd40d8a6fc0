//! The order of steps: a graph of what needs what, walked so that steps that don't depend on each other keep their place.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::graphmap::DiGraphMap;

use super::format::Step;

/// Sorts steps so that each comes after all that it needs; otherwise they stay as they are.
/// Needs that are not among `steps` (they belong to earlier deploys) are met.
///
/// # Errors
/// The ids of the steps that need each other in a circle.
pub fn order(steps: Vec<Step>) -> Result<Vec<Step>, Vec<String>> {
    let place: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(at, step)| (step.id.0.as_str(), at)).collect();
    let mut graph: DiGraphMap<usize, ()> = DiGraphMap::new();
    for (at, step) in steps.iter().enumerate() {
        graph.add_node(at);
        for needed in &step.needs {
            if let Some(&before) = place.get(needed.0.as_str()) {
                graph.add_edge(before, at, ());
            }
        }
    }
    let mut order: Vec<usize> = Vec::with_capacity(steps.len());
    while graph.node_count() > 0 {
        // The first one, in the order given, that waits for nothing.
        let free = graph.nodes().filter(|&at| graph.neighbors_directed(at, Direction::Incoming).next().is_none()).min();
        let Some(free) = free else {
            return Err(graph.nodes().filter_map(|at| steps.get(at)).map(|step| step.id.0.clone()).collect());
        };
        graph.remove_node(free);
        order.push(free);
    }
    let mut slots: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|at| slots.get_mut(at).and_then(Option::take)).collect())
}
