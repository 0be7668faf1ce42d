//! A transaction inside one tenant that is thought out before it begins.
//!
//! The same statements as of a [`Tx`](crate::Tx) are put down in their order, with what each depends on, and played in one go
//! ([`Engine::play`](crate::engine::Engine::play)). What reads an answer in order to know what to do next needs a `Tx`.
//!
//! To add a statement: a method on [`Plan`] in the repository that has it.

use crate::{
    engine::{Played, Script, Statement, Step, StoreError, Value},
    scope::{Tenant, scoped},
};

/// Steps that were put down so far.
pub struct Plan<'a> {
    tenant: Tenant<'a>,
    script: Script,
    /// A step that can give no row, whatever is stored.
    hopeless: Option<usize>,
}

/// One step of a [`Plan`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Planned(usize);

/// How a [`Plan`] ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is durable.
    Committed(Changes),
    /// Nothing was done: this step, which was required, changed nothing.
    RolledBack(Planned),
}

/// Which steps of a [`Plan`] changed something.
#[derive(Debug)]
pub struct Changes(Vec<bool>);

impl Changes {
    /// Whether this one did.
    #[must_use]
    pub fn made(&self, by: Planned) -> bool {
        self.0.get(by.0).is_some_and(|made| *made)
    }
}

impl<'a> Tenant<'a> {
    /// Begins to think of a transaction.
    #[must_use]
    pub fn plan(&self) -> Plan<'a> {
        Plan { tenant: *self, script: Script::default(), hopeless: None }
    }
}

impl Plan<'_> {
    /// Puts down a statement whose `$1` is this tenant. Only one that returns rows can be asked for its change.
    pub(crate) fn add(&mut self, statement: &'static Statement, params: Vec<Value>) -> Planned {
        let place = Planned(self.script.steps.len());
        self.script.steps.push(Step::new((statement, scoped(self.tenant.id(), params))));
        place
    }

    /// Says that a step changes nothing.
    pub(crate) fn give_up(&mut self, step: Planned) {
        self.hopeless.get_or_insert(step.0);
    }

    /// A step is passed over unless one of these changed something. No others: no condition.
    pub fn after(&mut self, step: Planned, others: &[Planned]) {
        if let Some(step) = self.script.steps.get_mut(step.0) {
            step.after.extend(others.iter().map(|other| other.0));
        }
    }

    /// A step is passed over if one of these changed something.
    pub fn unless(&mut self, step: Planned, others: &[Planned]) {
        if let Some(step) = self.script.steps.get_mut(step.0) {
            step.unless.extend(others.iter().map(|other| other.0));
        }
    }

    /// Where this one changes nothing, nothing is done at all.
    pub fn require(&mut self, step: Planned) {
        if let Some(step) = self.script.steps.get_mut(step.0) {
            step.required = true;
        }
    }

    /// Tells every node when this commits, if one of these changed something.
    pub fn notify_after(&mut self, steps: &[Planned], notice: String) {
        self.script.notices.push((steps.iter().map(|step| step.0).collect(), notice));
    }

    /// Does it, and makes it durable.
    pub async fn commit(self) -> Result<Outcome, StoreError> {
        if let Some(step) = self.hopeless {
            return Ok(Outcome::RolledBack(Planned(step)));
        }
        Ok(match self.tenant.store.engine().play(self.script).await? {
            Played::Committed(answers) => {
                Outcome::Committed(Changes(answers.iter().map(|rows| !rows.is_empty()).collect()))
            }
            Played::RolledBack(step) => Outcome::RolledBack(Planned(step)),
        })
    }
}
