//! What is printed of a run.

use serde::Serialize;

use super::compare::Difference;

/// The whole run; `eval --json` prints it.
#[derive(Serialize)]
pub struct Report {
    /// In the order they were measured.
    pub tasks: Vec<TaskReport>,
    /// Over all of `tasks`: with one mode, that mode's.
    pub mean_ndcg_at_10: f64,
    /// By mode.
    pub modes: Vec<MeanReport>,
}

/// One task in one mode.
#[derive(Serialize)]
pub struct TaskReport {
    pub collection: String,
    pub task: String,
    pub queries: usize,
    pub documents: usize,
    pub mode: &'static str,
    pub ndcg_at_10: f64,
    pub accuracy_at_1: f64,
    pub recall_at_100: f64,
    pub ms_per_query: f64,
    /// Share of the queries with known answers whose passage holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<f64>,
    /// How it differs from the run it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Difference>,
}

/// All tasks in one mode.
#[derive(Serialize)]
pub struct MeanReport {
    pub mode: &'static str,
    pub tasks: usize,
    pub ndcg_at_10: f64,
}

impl Report {
    /// Puts the tasks of all `modes` together.
    pub fn new(tasks: Vec<TaskReport>, modes: &[&'static str]) -> Self {
        let modes = modes.iter().map(|mode| mean_of(&tasks, mode)).collect();
        let mean_ndcg_at_10 = mean(tasks.iter().map(|task| task.ndcg_at_10));
        Report { tasks, mean_ndcg_at_10, modes }
    }

    /// For a person.
    pub fn table(&self) -> String {
        let named = |task: &TaskReport| format!("{}/{}", task.collection, task.task);
        let longest = self.tasks.iter().map(|task| named(task).chars().count()).max();
        let width = longest.unwrap_or(0).max("collection/task".len());
        let answered = self.tasks.iter().any(|task| task.answered.is_some());
        let against = self.tasks.iter().any(|task| task.against.is_some());
        let mut text = format!(
            "{:width$}  {:>6} {:>7}  {:8}  {:>7} {:>6} {:>6} {:>8}",
            "collection/task", "docs", "queries", "mode", "nDCG@10", "acc@1", "R@100", "ms/query"
        );
        if answered {
            text.push_str("  answer");
        }
        if against {
            text.push_str("  against (better, worse, p)");
        }
        text.push('\n');
        for task in &self.tasks {
            text.push_str(&format!(
                "{:width$}  {:>6} {:>7}  {:8}  {:>7.1} {:>6.1} {:>6.1} {:>8.1}",
                named(task),
                task.documents,
                task.queries,
                task.mode,
                task.ndcg_at_10 * 100.0,
                task.accuracy_at_1 * 100.0,
                task.recall_at_100 * 100.0,
                task.ms_per_query
            ));
            if answered {
                match task.answered {
                    Some(share) => text.push_str(&format!("  {:>6.1}", share * 100.0)),
                    None => text.push_str("       -"),
                }
            }
            if let Some(difference) = &task.against {
                text.push_str(&format!(
                    "  {:+.1} ({}, {}, {})",
                    difference.ndcg_at_10 * 100.0,
                    difference.better,
                    difference.worse,
                    probability(difference.p)
                ));
            }
            text.push('\n');
        }
        for mean in &self.modes {
            text.push_str(&format!(
                "mean of {:>2} tasks, {:8}  {:.1}\n",
                mean.tasks,
                mean.mode,
                mean.ndcg_at_10 * 100.0
            ));
        }
        text
    }
}

/// No more digits than so many draws tell.
fn probability(p: f64) -> String {
    if p < 0.0005 { "p < 0.0005".to_owned() } else { format!("p {p:.3}") }
}

fn mean_of(tasks: &[TaskReport], mode: &'static str) -> MeanReport {
    let of_mode = || tasks.iter().filter(|task| task.mode == mode);
    MeanReport {
        mode,
        tasks: of_mode().count(),
        ndcg_at_10: mean(of_mode().map(|task| task.ndcg_at_10)),
    }
}

/// 0 for nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, number) = values.fold((0.0, 0u32), |(sum, number), value| (sum + value, number + 1));
    sum / f64::from(number.max(1))
}
