//! A transaction whose statements are all known before it begins.
//!
//! An engine in this process then does the whole of it in one go, and nobody waits for the other between two statements: that is
//! most of what a small transaction costs there.

use super::{Call, Pending, Row, StoreError, Transaction};

/// One statement of a [`Script`], with when it runs. Other steps are named by their places, from 0.
#[derive(Debug)]
pub struct Step {
    /// What it runs.
    pub call: Call,
    /// It is passed over unless one of these gave a row; nothing for no such condition.
    pub after: Vec<usize>,
    /// It is passed over if one of these gave a row.
    pub unless: Vec<usize>,
    /// Without a row of it the transaction is rolled back.
    pub required: bool,
}

/// The steps of a transaction, in their order.
#[derive(Debug, Default)]
pub struct Script {
    /// What runs.
    pub steps: Vec<Step>,
    /// What every node is told when it commits, each if one of these steps gave a row. At most 200 bytes of no secret.
    pub notices: Vec<(Vec<usize>, String)>,
}

impl Script {
    /// Takes out the notices that are due after these answers.
    pub(crate) fn due(notices: Vec<(Vec<usize>, String)>, answers: &[Vec<Row>]) -> impl Iterator<Item = String> {
        notices
            .into_iter()
            .filter(|(after, _)| after.iter().any(|place| gave(answers, *place)))
            .map(|(_, notice)| notice)
    }
}

/// How a [`Script`] ended.
#[derive(Debug)]
pub enum Played {
    /// It is durable. The rows of each step; none for one that was passed over.
    Committed(Vec<Vec<Row>>),
    /// Nothing was done: this step gave no row.
    RolledBack(usize),
}

impl Step {
    /// A step without conditions.
    #[must_use]
    pub const fn new(call: Call) -> Self {
        Self { call, after: Vec::new(), unless: Vec::new(), required: false }
    }

    /// Whether it runs, after these answers of the steps before it.
    pub(crate) fn runs(&self, answers: &[Vec<Row>]) -> bool {
        let gave = |place: &usize| gave(answers, *place);
        (self.after.is_empty() || self.after.iter().any(gave)) && !self.unless.iter().any(gave)
    }
}

fn gave(answers: &[Vec<Row>], place: usize) -> bool {
    answers.get(place).is_some_and(|rows| !rows.is_empty())
}

/// Plays a script on an open transaction, statement by statement.
pub(super) fn play(mut on: Box<dyn Transaction>, script: Script) -> Pending<'static, Played> {
    Box::pin(async move {
        let mut answers: Vec<Vec<Row>> = Vec::with_capacity(script.steps.len());
        for (place, step) in script.steps.into_iter().enumerate() {
            let rows = if step.runs(&answers) {
                let (statement, params) = step.call;
                let rows = on.run(statement, params).await?;
                if step.required && rows.is_empty() {
                    return Ok(Played::RolledBack(place));
                }
                rows
            } else {
                Vec::new()
            };
            answers.push(rows);
        }
        for notice in Script::due(script.notices, &answers) {
            on.notify(notice).await?;
        }
        on.commit().await?;
        Ok::<_, StoreError>(Played::Committed(answers))
    })
}
