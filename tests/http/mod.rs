// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small HTTP/1.1 server of one file, for tests: answers GET and HEAD, keeps connections open,
//! counts what it was asked for.
#![allow(dead_code)] // each test file uses a part

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// Bytes to send at once where the rate is limited.
const PIECE: usize = 512;

/// What a server does.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Whether a range that is asked for is answered with 206 and that range, else with 200 and all.
    pub has_ranges: bool,
    /// Most bytes per second of one answer; 0 = no limit.
    pub rate: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self { has_ranges: true, rate: 0 }
    }
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub is_head: bool,
    /// First byte, and last one where it was named.
    pub range: Option<(usize, Option<usize>)>,
}

struct Shared {
    content: Vec<u8>,
    manner: Manner,
    requests: Mutex<Vec<Request>>,
    is_over: AtomicBool,
}

/// Serves until it is dropped.
pub struct HttpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves `content` under any name.
    pub fn new(content: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (requests, is_over) = Default::default();
        let shared = Arc::new(Shared { content, manner, requests, is_over });
        let of_thread = shared.clone();
        let listener = spawn(move || {
            for stream in listener.incoming() {
                if of_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, of_thread.clone()) else { return };
                // A client that goes away is no failure of the server.
                spawn(move || serve(&shared, stream).ok());
            }
        });
        Self { address, shared, listener: Some(listener) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn uri(&self) -> String {
        format!("http://{}/clip.lnr", self.address)
    }

    /// What was asked for since the last call.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread up.
        let _ = TcpStream::connect(self.address);
        self.listener.take().map(JoinHandle::join);
    }
}

fn serve(shared: &Shared, mut stream: TcpStream) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(first) = lines.next() {
        let mut request = Request { is_head: first?.starts_with("HEAD "), range: None };
        for header in lines.by_ref() {
            let header = header?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(range) = header.strip_prefix("range: bytes=") {
                request.range = range
                    .split_once('-')
                    .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok())));
            }
        }
        shared.requests.lock().unwrap().push(request.clone());
        answer(shared, &mut stream, &request)?;
    }
    Ok(())
}

fn answer(shared: &Shared, stream: &mut TcpStream, request: &Request) -> Result<()> {
    let Shared { content, manner, .. } = shared;
    let accepts = if manner.has_ranges { "bytes" } else { "none" };
    let total = content.len();
    let (status, range, body) = match request.range.filter(|_| manner.has_ranges) {
        None => ("200 OK", String::new(), &content[..]),
        Some((first, _)) if first >= total => {
            ("416 Range Not Satisfiable", format!("bytes */{total}"), &[][..])
        }
        Some((first, last)) => {
            let last = last.unwrap_or(total).min(total - 1).max(first);
            let range = format!("bytes {first}-{last}/{total}");
            ("206 Partial Content", range, &content[first..=last])
        }
    };
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nAccept-Ranges: {accepts}\r\n\
         Content-Type: application/octet-stream\r\n",
        body.len()
    );
    if !range.is_empty() {
        head += &format!("Content-Range: {range}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    if request.is_head {
        return Ok(());
    }
    if manner.rate == 0 {
        return stream.write_all(body);
    }
    for piece in body.chunks(PIECE) {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        stream.write_all(piece)?;
        sleep(Duration::from_secs_f64(piece.len() as f64 / manner.rate as f64));
    }
    Ok(())
}
