//! A wire between cockpit and broker that can be cut and mended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::super::terminal::Home;

#[derive(Default)]
struct Wire {
    cut: bool,
    /// Both ends of every connection that was made.
    ends: Vec<TcpStream>,
    /// What the cockpit's side said, line by line as far as it is text.
    said: Vec<u8>,
}

pub struct Proxy {
    address: SocketAddr,
    target: Arc<OnceLock<SocketAddr>>,
    wire: Arc<Mutex<Wire>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let target = Arc::new(OnceLock::new());
        let wire = Arc::new(Mutex::new(Wire::default()));
        let (aim, through) = (Arc::clone(&target), Arc::clone(&wire));
        // Ends with the test process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mut wire = through.lock().expect("no panic while held");
                let far = aim.get().filter(|_| !wire.cut).and_then(|at| TcpStream::connect(at).ok());
                // Without a far end the near one closes here, as on a host that is gone.
                let Some(far) = far else { continue };
                for (from, to, overheard) in [(&near, &far, Some(Arc::clone(&through))), (&far, &near, None)]
                {
                    let ends = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    std::thread::spawn(move || carry(ends.0, ends.1, overheard));
                }
                wire.ends.extend([near, far]);
            }
        });
        Self { address, target, wire }
    }

    /// Every connection ends now, and none can be made.
    pub fn cut(&self) {
        let mut wire = self.wire.lock().expect("no panic while held");
        wire.cut = true;
        for end in wire.ends.drain(..) {
            drop(end.shutdown(Shutdown::Both));
        }
    }

    /// The request lines of everything that was asked over it.
    pub fn requests(&self) -> Vec<String> {
        let wire = self.wire.lock().expect("no panic while held");
        let said = String::from_utf8_lossy(&wire.said).into_owned();
        let is_request = |line: &&str| line.trim_end().ends_with(" HTTP/1.1");
        // A body ends without a line: the request that follows it stands behind.
        let request = |line: &str| {
            let at = ["GET ", "POST ", "PUT ", "DELETE "].iter().filter_map(|method| line.find(method)).min();
            line[at.unwrap_or(0)..].to_owned()
        };
        said.lines().filter(is_request).map(request).collect()
    }

    pub fn mend(&self) {
        self.wire.lock().expect("no panic while held").cut = false;
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, overheard: Option<Arc<Mutex<Wire>>>) {
    let mut piece = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if let Some(wire) = &overheard {
            wire.lock().expect("no panic while held").said.extend_from_slice(&piece[..read]);
        }
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}

/// A simulated broker in a process of its own.
pub struct Broker {
    process: Child,
    pub proxy: Proxy,
    connection: Value,
    args: Vec<String>,
}

impl Broker {
    /// Everything goes through the proxy: REST and both streams. `home` is the broker's own.
    pub fn behind_a_proxy(home: &Home) -> Self {
        Self::misbehaving(home, None)
    }

    /// The same, with faults.
    pub fn misbehaving(home: &Home, faults: Option<&str>) -> Self {
        let proxy = Proxy::start();
        let url = |path: &str| format!("ws://{}/{path}", proxy.address);
        let (dxlink, account) = (url("dxlink"), url("account"));
        let args = ["sim", "--print-connection", "--credentials", "sim.env", "--advertise-dxlink", &dxlink];
        let args: Vec<String> =
            args.into_iter().chain(["--advertise-account-stream", &account]).map(str::to_owned).collect();
        let faults = faults.map(|faults| ["--fault".to_owned(), faults.to_owned()]);
        let args: Vec<String> = args.into_iter().chain(faults.into_iter().flatten()).collect();
        let (process, connection) = start(home, &args);
        let base = connection["base_url"].as_str().and_then(|url| url.strip_prefix("http://"));
        let target = base.and_then(|address| address.parse().ok()).expect("an address");
        proxy.target.set(target).expect("set once");
        Self { process, proxy, connection, args }
    }

    /// Ends, and is gone when this returns. Nothing stands at its address.
    pub fn end(&mut self, how: Signal) {
        self.signal(how);
        self.process.wait().expect("our own child");
    }

    /// The same broker again: same address, same credentials.
    pub fn restart(&mut self, home: &Home) {
        let base = self.connection["base_url"].as_str().expect("an address");
        let port = base.rsplit(':').next().expect("a port").to_owned();
        let args: Vec<String> = self.args.iter().cloned().chain(["--port".to_owned(), port]).collect();
        let (process, connection) = start(home, &args);
        self.process = process;
        assert_eq!(connection, self.connection);
    }

    /// A trader whose broker is behind the proxy.
    pub fn customer(&self) -> Home {
        let text = |key: &str| self.connection[key].as_str().expect("a text").to_owned();
        Home::new()
            .with("COTRADER_BASE_URL", &format!("http://{}", self.proxy.address))
            .with("COTRADER_ACCOUNT_STREAM_URL", &text("account_stream_url"))
            .with("TT_CLIENT_SECRET", &text("client_secret"))
            .with("TT_REFRESH_TOKEN", &text("refresh_token"))
    }

    /// It says nothing any more, and its connections stay open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("our own child");
    }

    pub fn connection(&self) -> &Value {
        &self.connection
    }
}

fn start(home: &Home, args: &[String]) -> (Child, Value) {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut process = home.command(&args).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    let output = process.stdout.as_mut().expect("a pipe");
    BufReader::new(output).read_line(&mut line).expect("a line");
    (process, serde_json::from_str(&line).expect("a JSON line"))
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
