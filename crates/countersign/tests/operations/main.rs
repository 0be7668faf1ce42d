//! What an administrator does beside serving: the demo, backups, keys, the doctor. Each as the program is called.

#[cfg(test)]
mod backup;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod support;
