//! The engine on real databases: the life of an attempt, races, lock-out, fatigue.

mod attempts;
mod fatigue;
mod passcodes;
mod races;
mod states;
mod support;
