//! The program as others meet it: started as a process, spoken to by clients that nobody here wrote.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod program;
#[cfg(test)]
mod support;
