//! Channels whose connections come from many addresses: one address has some 28,000 ports, and servers limit how many
//! connections may come from one.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use h2grpc::client::Channel;
use h2grpc::limits::ClientLimits;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpSocket, TcpStream};

use crate::Result;

/// How many channels share an address.
const SHARE: usize = 1000;

/// The `number`th channel to `server`, from an address of 127.0.0.0/8.
pub fn channel(server: SocketAddr, number: usize, limits: &ClientLimits) -> Result<Channel> {
    let [_, _, high, low] = u32::try_from(number / SHARE + 1)?.to_be_bytes();
    let from = Ipv4Addr::new(127, 1, high, low);
    Ok(Channel::with_connector(server.to_string().parse()?, limits.clone(), move || dial(server, from)))
}

async fn dial(server: SocketAddr, from: Ipv4Addr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.bind((from, 0).into())?;
    socket.connect(server).await
}

/// Makes sure that this process, and with it the servers that it starts, may have so many descriptors.
pub fn provide_descriptors(count: usize) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let count = count as u64;
    if soft >= count {
        return Ok(());
    }
    if hard < count {
        return Err(format!(
            "this needs {count} file descriptors, and the hard limit is {hard}: raise it (ulimit -Hn)"
        )
        .into());
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, count, hard)?)
}
