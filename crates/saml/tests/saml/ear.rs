//! An application's server, on this machine: it hears what it is sent, and answers what it is told to.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::AbortHandle,
};

/// What came.
pub(crate) struct Heard {
    /// The line and the headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// A server; it ends when it is dropped.
pub(crate) struct Ear {
    origin: String,
    heard: mpsc::UnboundedReceiver<Heard>,
    task: AbortHandle,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    /// Listens. `answer` gives the octets of an answer to a request's body; none closes the line.
    pub(crate) async fn listen(mut answer: impl FnMut(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (told, heard) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                let octets = answer(&request.body);
                told.send(request).unwrap();
                let _ = stream.write_all(&octets).await;
            }
        });
        Self { origin, heard, task: task.abort_handle() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The next request.
    pub(crate) async fn hear(&mut self) -> Heard {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), self.heard.recv());
        next.await.unwrap().unwrap()
    }

    /// Whether nothing came that wasn't heard.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }
}

async fn read(stream: &mut TcpStream) -> Heard {
    let mut octets = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&octets);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Heard { head: head.to_owned(), body: body.to_owned() };
            }
        }
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the line broke");
        octets.extend_from_slice(&piece[..read]);
    }
}
