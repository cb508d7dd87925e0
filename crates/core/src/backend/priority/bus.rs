//! As much of D-Bus as a few calls take: a connection to the system bus, methods called one after another.
//!
//! Own code, because the usual library is not on every machine and the pure-Rust one is larger than all of this crate.
//! <https://dbus.freedesktop.org/doc/dbus-specification.html>

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Longer messages are nobody's answers to us.
const LONGEST: usize = 1 << 16;
const ENDIAN: u8 = if cfg!(target_endian = "little") { b'l' } else { b'B' };

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

fn broken() -> Error {
    ErrorKind::InvalidData.into()
}

/// Bytes with the alignment of D-Bus.
#[derive(Default)]
pub(super) struct Body {
    signature: String,
    bytes: Vec<u8>,
}

impl Body {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_ne_bytes());
    }

    fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
    }

    pub(super) fn with_text(mut self, text: &str) -> Self {
        self.signature.push('s');
        self.text(text);
        self
    }

    pub(super) fn with_u32(mut self, value: u32) -> Self {
        self.signature.push('u');
        self.u32(value);
        self
    }

    pub(super) fn with_u64(mut self, value: u64) -> Self {
        self.signature.push('t');
        self.align(8);
        self.bytes.extend(value.to_ne_bytes());
        self
    }

    /// A field of a message's header.
    fn field(&mut self, code: u8, kind: u8, value: &str) {
        self.align(8);
        self.bytes.extend([code, 1, kind, 0]);
        if kind == b'g' {
            self.bytes.push(value.len() as u8);
            self.bytes.extend(value.as_bytes());
            self.bytes.push(0);
        } else {
            self.text(value);
        }
    }
}

/// Reads values as [`Body`] writes them.
pub(super) struct Values<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Values<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    fn take(&mut self, count: usize, align: usize) -> Result<&'a [u8]> {
        let start = self.position.next_multiple_of(align);
        let taken = start.checked_add(count).and_then(|end| self.bytes.get(start..end)).ok_or_else(broken)?;
        self.position = start + count;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1, 1)?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        self.take(4, 4)?.try_into().map(u32::from_ne_bytes).map_err(|_| broken())
    }

    fn text(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()? as usize;
        let text = self.take(length, 1)?;
        self.byte()?;
        Ok(text)
    }

    fn signature(&mut self) -> Result<&'a [u8]> {
        let length = self.byte()?.into();
        let text = self.take(length, 1)?;
        self.byte()?;
        Ok(text)
    }

    /// A number in a variant.
    pub(super) fn number(&mut self) -> Result<i64> {
        match self.signature()? {
            b"i" => Ok(i64::from(self.u32()?.cast_signed())),
            b"u" => Ok(i64::from(self.u32()?)),
            b"x" | b"t" => self.take(8, 8)?.try_into().map(i64::from_ne_bytes).map_err(|_| broken()),
            _ => Err(broken()),
        }
    }

    /// The serial that a header's fields say is answered.
    fn reply_serial(&mut self) -> Result<Option<u32>> {
        while self.position.next_multiple_of(8) < self.bytes.len() {
            let code = self.take(1, 8)?[0];
            match (code, self.signature()?) {
                (REPLY_SERIAL, b"u") => return self.u32().map(Some),
                (_, b"s" | b"o") => drop(self.text()?),
                (_, b"g") => drop(self.signature()?),
                (_, b"u") => drop(self.u32()?),
                _ => return Err(broken()),
            }
        }
        Ok(None)
    }
}

/// Whom to call.
pub(super) struct Method<'a> {
    pub destination: &'a str,
    pub path: &'a str,
    pub interface: &'a str,
    pub member: &'a str,
}

/// A connection. Every call ends by the deadline.
pub(super) struct Bus {
    stream: UnixStream,
    serial: u32,
    end: Instant,
}

impl Bus {
    /// Connects to the bus at this address, such as `unix:path=/run/dbus/system_bus_socket`; of several the first that answers.
    pub(super) fn connect(address: &str, patience: Duration) -> Result<Self> {
        let path =
            |one: &str| one.strip_prefix("unix:path=").map(|rest| rest.split(',').next().unwrap_or(rest).to_owned());
        let stream = address.split(';').filter_map(path).find_map(|path| UnixStream::connect(path).ok());
        let stream = stream.ok_or(ErrorKind::NotFound)?;
        let mut bus = Self { stream, serial: 0, end: Instant::now() + patience };
        // SAFETY: takes nothing and always succeeds.
        let user = unsafe { libc::geteuid() };
        let name: String = user.to_string().bytes().map(|byte| format!("{byte:02x}")).collect();
        bus.send(format!("\0AUTH EXTERNAL {name}\r\n").as_bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n") && answer.len() < 1024 {
            answer.extend(bus.receive(1)?);
        }
        if !answer.starts_with(b"OK ") {
            return Err(ErrorKind::PermissionDenied.into());
        }
        bus.send(b"BEGIN\r\n")?;
        let path = "/org/freedesktop/DBus";
        let name = "org.freedesktop.DBus";
        bus.call(&Method { destination: name, path, interface: name, member: "Hello" }, Body::default())?;
        Ok(bus)
    }

    fn left(&self) -> Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// Calls a method and returns what it answers. An error that it answers is `ErrorKind::Other`.
    pub(super) fn call(&mut self, method: &Method<'_>, body: Body) -> Result<Vec<u8>> {
        self.serial += 1;
        let message = message(METHOD_CALL, self.serial, method, &body);
        self.send(&message)?;
        loop {
            let head = self.receive(16)?;
            let number = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
            let (body, fields) = (number(4), number(12));
            if head[0] != ENDIAN || body > LONGEST || fields > LONGEST {
                return Err(broken());
            }
            let header = self.receive(fields.next_multiple_of(8))?;
            let body = self.receive(body)?;
            // Signals come in between.
            let serial = Values::new(&header[..fields]).reply_serial()?;
            match head[1] {
                METHOD_RETURN if serial == Some(self.serial) => return Ok(body),
                ERROR if serial == Some(self.serial) => return Err(ErrorKind::Other.into()),
                _ => {}
            }
        }
    }
}

fn message(kind: u8, serial: u32, method: &Method<'_>, body: &Body) -> Vec<u8> {
    let mut fields = Body::default();
    fields.field(PATH, b'o', method.path);
    fields.field(INTERFACE, b's', method.interface);
    fields.field(MEMBER, b's', method.member);
    fields.field(DESTINATION, b's', method.destination);
    if !body.signature.is_empty() {
        fields.field(SIGNATURE, b'g', &body.signature);
    }
    let mut message = Body { bytes: vec![ENDIAN, kind, 0, 1], ..Body::default() };
    message.u32(body.bytes.len() as u32);
    message.u32(serial);
    message.u32(fields.bytes.len() as u32);
    message.bytes.extend(&fields.bytes);
    message.align(8);
    message.bytes.extend(&body.bytes);
    message.bytes
}

#[cfg(test)]
pub(super) mod test {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// The fields and the body of a call.
    pub(crate) type Asked = (Vec<u8>, Vec<u8>);

    /// Serves one connection, answering calls in turn after `Hello`; gives back what it was asked.
    pub(crate) fn serve(path: &std::path::Path, answers: Vec<Option<Vec<u8>>>) -> std::thread::JoinHandle<Vec<Asked>> {
        let listener = UnixListener::bind(path).expect("a socket");
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut server = Bus { stream, serial: 0, end: Instant::now() + Duration::from_secs(20) };
            let mut line = Vec::new();
            while !line.ends_with(b"BEGIN\r\n") {
                line.extend(server.receive(1).expect("a greeting"));
                if line.starts_with(b"\0AUTH EXTERNAL ") && line.ends_with(b"\r\n") {
                    server.send(b"OK 0123456789abcdef\r\n").expect("to be heard");
                    line.clear();
                }
            }
            let mut asked = Vec::new();
            for answer in std::iter::once(Some(Vec::new())).chain(answers) {
                let Ok(head) = server.receive(16) else { break };
                let number = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().expect("four bytes"));
                let header = server.receive((number(12) as usize).next_multiple_of(8)).expect("fields");
                let body = server.receive(number(4) as usize).expect("a body");
                asked.push((header, body));
                // A signal that nobody waits for, and the answer.
                for (kind, serial) in [(4, 0), (if answer.is_some() { METHOD_RETURN } else { ERROR }, number(8))] {
                    let body = if kind == METHOD_RETURN { answer.clone().unwrap_or_default() } else { Vec::new() };
                    let mut fields = Body::default();
                    fields.field(MEMBER, b's', "Told");
                    fields.align(8);
                    fields.bytes.extend([REPLY_SERIAL, 1, b'u', 0]);
                    fields.u32(serial);
                    let mut told = Body { bytes: vec![ENDIAN, kind, 0, 1], ..Body::default() };
                    told.u32(body.len() as u32);
                    told.u32(1000);
                    told.u32(fields.bytes.len() as u32);
                    told.bytes.extend(&fields.bytes);
                    told.align(8);
                    told.bytes.extend(&body);
                    server.send(&told.bytes).expect("to be heard");
                }
            }
            asked
        })
    }

    #[test]
    fn a_message_is_laid_out_as_the_specification_says() {
        let method = Method { destination: "a.b", path: "/", interface: "c.d", member: "E" };
        let made = message(METHOD_CALL, 7, &method, &Body::default().with_u32(5).with_u64(6));
        let mut fields = b"\x01\x01o\0\x01\0\0\0/\0\0\0\0\0\0\0\x02\x01s\0\x03\0\0\0c.d\0\0\0\0\0".to_vec();
        fields.extend(b"\x03\x01s\0\x01\0\0\0E\0\0\0\0\0\0\0\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0\x08\x01g\0\x02ut\0");
        let mut expected = b"l\x01\0\x01\x10\0\0\0\x07\0\0\0".to_vec();
        expected.extend((fields.len() as u32).to_le_bytes());
        expected.extend(&fields);
        expected.extend(b"\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0");
        if cfg!(target_endian = "little") {
            assert_eq!(made, expected);
        }
    }

    #[test]
    fn answers_that_are_cut_off_are_errors() {
        for bytes in [&b"\x01i\0"[..], b"\x01i\0\0\x01", b"\xffi", b"", b"\x01s\0\0\0\0\0\0"] {
            assert!(Values::new(bytes).number().is_err(), "{bytes:?}");
        }
        let number = [&b"\x01i\0\0"[..], &(-5i32).to_ne_bytes()].concat();
        assert_eq!(Values::new(&number).number().ok(), Some(-5));
        let wide = [&b"\x01x\0\0\0\0\0\0"[..], &200_000i64.to_ne_bytes()].concat();
        assert_eq!(Values::new(&wide).number().ok(), Some(200_000));
    }
}
