//! Lines for a stream that may be slow, stuck or broken. A thread of their own writes them, so nobody else waits for the
//! stream; lines that find no room are dropped, and a line says how many.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::{thread, time::Duration};

/// How many bytes of lines may wait for the stream, some thousands of lines. As many again are being written.
const MAX_WAITING: usize = 1024 * 1024;

/// How long to wait for a stream that takes nothing now but does not block, such as a pipe that is shared with a program
/// that made it so.
const PAUSE: Duration = Duration::from_millis(10);

/// Where the lines go in. It never blocks and never fails.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Lines have come to an empty queue, or a batch of lines is done.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    text: Vec<u8>,
    /// Lines that came after `text`, when there was no room.
    dropped: u64,
    /// Whether the thread is writing what it has taken.
    writing: bool,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.dropped == 0
    }
}

impl Writer {
    /// Starts the thread that writes to `stream`. `notice` makes the line that says how many were dropped.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        stream: impl Write + Send + 'static, notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = Writer(Arc::clone(&shared));
        let mut output = Output { stream, notice, dropped: 0, torn: false };
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                let (text, dropped) = shared.take();
                output.write(&text, dropped);
                shared.done();
            }
        })?;
        Ok(writer)
    }

    /// Adds a line, which ends with a line break.
    pub fn push(&self, line: &str) {
        let mut queue = self.0.lock();
        let was_empty = queue.is_empty();
        // Once a line is dropped all are, until the thread takes the queue: so the notice stands in the right place.
        if queue.dropped > 0 || queue.text.len() + line.len() > MAX_WAITING {
            queue.dropped += 1;
        } else {
            queue.text.extend_from_slice(line.as_bytes());
        }
        drop(queue);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    /// Waits until all lines are written, but no longer than `within`.
    pub fn flush(&self, within: Duration) {
        let pending = |queue: &mut Queue| queue.writing || !queue.is_empty();
        let _ = self.0.changed.wait_timeout_while(self.0.lock(), within, pending);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, and takes them with the number of those dropped after them.
    fn take(&self) -> (Vec<u8>, u64) {
        let queue = self.changed.wait_while(self.lock(), |queue| queue.is_empty());
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        (std::mem::take(&mut queue.text), std::mem::take(&mut queue.dropped))
    }

    fn done(&self) {
        self.lock().writing = false;
        self.changed.notify_all();
    }
}

/// The thread's end.
struct Output<W, N> {
    stream: W,
    notice: N,
    /// Lines that are lost and not told yet.
    dropped: u64,
    /// Whether the stream has failed in the middle of a line.
    torn: bool,
}

impl<W: Write, N: Fn(u64) -> String> Output<W, N> {
    /// Writes `text`, and how many lines were dropped before it and, `dropped` of them, after it.
    fn write(&mut self, text: &[u8], dropped: u64) {
        self.tell();
        let rest = self.put(text);
        self.dropped += dropped + rest.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.tell();
    }

    fn tell(&mut self) {
        if self.dropped > 0 && self.put((self.notice)(self.dropped).as_bytes()).is_empty() {
            self.dropped = 0;
        }
    }

    /// Writes `text` from the beginning of a line, and gives what the stream did not take.
    fn put<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        if self.torn && !self.put_bytes(b"\n").is_empty() {
            return text;
        }
        self.put_bytes(text)
    }

    fn put_bytes<'t>(&mut self, mut text: &'t [u8]) -> &'t [u8] {
        while !text.is_empty() {
            match self.stream.write(text) {
                Ok(length @ 1..) => {
                    let (taken, rest) = text.split_at(length.min(text.len()));
                    self.torn = !taken.ends_with(b"\n");
                    text = rest;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Ok(0) | Err(_) => break,
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A stream that answers each write as its test says, and passes on what it has taken.
    struct Scripted {
        answers: Receiver<io::Result<usize>>,
        taken: Sender<String>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = self.answers.recv().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
            let _ = self.taken.send(String::from_utf8_lossy(&bytes[..length]).into_owned());
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Test {
        writer: Writer,
        answers: Sender<io::Result<usize>>,
        taken: Receiver<String>,
    }

    fn test() -> Test {
        let ((answers, script), (taken, takes)) = (mpsc::channel(), mpsc::channel());
        let stream = Scripted { answers: script, taken };
        let writer = Writer::start(stream, |dropped| format!("{dropped} dropped\n")).unwrap();
        Test { writer, answers, taken: takes }
    }

    impl Test {
        /// From now on the stream takes everything; all of it.
        fn rest(self) -> String {
            drop(self.answers);
            self.writer.flush(PATIENCE);
            self.taken.try_iter().collect()
        }
    }

    #[test]
    fn lines_are_written_in_order() {
        let test = test();
        for number in 0..1000 {
            test.writer.push(&format!("line {number}\n"));
        }
        let expected: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        assert_eq!(test.rest(), expected);
    }

    #[test]
    fn a_stream_that_takes_nothing_holds_nobody_up_and_its_lines_are_dropped_and_counted_in_their_place() {
        let test = test();
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..5 * MAX_WAITING / line.len() {
            test.writer.push(&line);
        }
        test.writer.flush(Duration::ZERO);
        let Test { writer, answers, taken } = test;
        drop(answers);
        writer.flush(PATIENCE);
        writer.push("after\n");
        writer.flush(PATIENCE);
        let all: String = taken.try_iter().collect();
        // The thread may take what waits in the middle of it all: then two notices say how many were dropped.
        let (mut lines, mut dropped) = (0, 0);
        for text in all.strip_suffix("after\n").expect("the last line").lines() {
            match text.strip_suffix(" dropped") {
                Some(number) => dropped += number.parse::<usize>().unwrap(),
                None => lines += usize::from(text.len() == 99),
            }
        }
        assert!(dropped > 0);
        assert_eq!(lines + dropped, 5 * MAX_WAITING / line.len());
        assert!(all.len() <= 2 * MAX_WAITING + 100, "{} bytes were kept", all.len());
    }

    #[test]
    fn lines_that_failed_are_counted_and_a_torn_one_is_ended_before_the_next() {
        let test = test();
        let full = || Err(io::ErrorKind::StorageFull.into());
        test.answers.send(Ok(5)).unwrap(); // "one t", and then the disk is full, for the notice too
        test.answers.send(full()).unwrap();
        test.answers.send(full()).unwrap();
        test.writer.push("one two\n");
        test.writer.flush(PATIENCE);
        test.writer.push("three\n");
        assert_eq!(test.rest(), "one t\n1 dropped\nthree\n");
    }

    #[test]
    fn a_stream_that_would_block_is_tried_again() {
        let test = test();
        for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted] {
            test.answers.send(Err(kind.into())).unwrap();
        }
        test.writer.push("line\n");
        assert_eq!(test.rest(), "line\n");
    }
}
