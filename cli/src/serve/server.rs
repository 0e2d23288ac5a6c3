//! Sockets: loopback alone, few and patient connections, an orderly end.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::routes;
use super::state::State;
use crate::errors::CliError;
use crate::interrupt;

/// The port where no other is asked for.
const PORT: u16 = 7734;
/// So many connections at a time: a browser opens six.
const CONNECTIONS: usize = 64;
/// A request's line and headers may be no longer than this.
const HEAD_BYTES: usize = 16 << 10;
const HEADERS: usize = 64;
/// A connection that asks for nothing is closed after so long.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// How often Ctrl-C is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What is being answered at the end may take so long.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// Where browsers connect.
pub struct Listeners {
    v4: std::net::TcpListener,
    /// Not every system has it, and `localhost` may mean it.
    v6: Option<std::net::TcpListener>,
    port: u16,
}

impl Listeners {
    /// The port of both.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Listens on the loopback addresses: on this port, or on the usual one or, where that is taken, any.
pub fn bind(wanted: Option<u16>) -> Result<Listeners, CliError> {
    let listen = |port: u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let bound = match wanted {
        Some(port) => listen(port),
        None => match listen(PORT) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => listen(0),
            bound => bound,
        },
    };
    let failed = |error: std::io::Error| {
        let port = wanted.unwrap_or(PORT);
        let cli = CliError::new(format!("cannot listen on port {port}: {error}"));
        match error.kind() {
            ErrorKind::AddrInUse => {
                cli.hint("another program listens there: leave out --port to get a free one")
            }
            ErrorKind::PermissionDenied => {
                cli.hint("ports below 1024 are the system's: take a higher one")
            }
            _ => cli,
        }
    };
    let v4 = bound.map_err(failed)?;
    let port = v4.local_addr().map_err(failed)?.port();
    let v6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
    for listener in std::iter::once(&v4).chain(&v6) {
        listener.set_nonblocking(true).map_err(failed)?;
    }
    Ok(Listeners { v4, v6, port })
}

/// Serves until Ctrl-C.
pub fn serve(state: &Arc<State>, listeners: Listeners) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("cannot serve: {error}"));
    // One thread for all sockets; searches have threads of their own.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    runtime
        .block_on(async {
            let v4 = TcpListener::from_std(listeners.v4)?;
            let v6 = listeners.v6.map(TcpListener::from_std).transpose()?;
            accept_all(state, &v4, v6.as_ref()).await;
            Ok(())
        })
        .map_err(failed)?;
    runtime.shutdown_timeout(END_PATIENCE);
    Ok(())
}

async fn accept_all(state: &Arc<State>, v4: &TcpListener, v6: Option<&TcpListener>) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    while !interrupt::requested() {
        let stream = match timeout(LOOK_EVERY, accept(v4, v6)).await {
            Err(_) => continue,
            Ok(Ok((stream, _))) => stream,
            Ok(Err(_)) => {
                // Too many open files, perhaps: others may close some.
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else { continue };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(state);
        let service = service_fn(move |request| routes::answer(Arc::clone(&state), request));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A browser that goes away in the middle is its own affair.
            let _ = connection.await;
            drop(permit);
        });
    }
    let _ = timeout(END_PATIENCE, graceful.shutdown()).await;
}

/// The next connection to either.
async fn accept(
    v4: &TcpListener,
    v6: Option<&TcpListener>,
) -> std::io::Result<(TcpStream, SocketAddr)> {
    poll_fn(|context| match (v4.poll_accept(context), v6) {
        (Poll::Ready(accepted), _) => Poll::Ready(accepted),
        (Poll::Pending, Some(v6)) => v6.poll_accept(context),
        (Poll::Pending, None) => Poll::Pending,
    })
    .await
}
