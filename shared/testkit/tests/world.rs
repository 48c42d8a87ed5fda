//! A world leaves nothing behind, and a proxy cuts where it should.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails with a panic, and real processes take real time"
)]

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Program, Proxy, World};

const LIMIT: Duration = Duration::from_secs(10);

fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn sleeper() -> Program {
    // A shell that ignores every signal that can be ignored, with a child of its own.
    Program::new("sleeper", "sh").arg("-c").arg("trap '' TERM INT HUP; sleep 1000 & echo $!; wait")
}

fn runs(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Creates a world with a process that has a child, and returns it with the process id of the child.
fn world_with_child() -> (World, String) {
    let world = World::new("testkit").unwrap();
    let process = world.start(sleeper()).unwrap();
    wait_for("the id of the child", || process.log().ends_with('\n'));
    let child = process.log().trim().to_owned();
    assert!(runs(&child));
    (world, child)
}

#[test]
fn dropped_world_ends_all_its_processes_also_paused_ones() {
    let (world, child) = world_with_child();
    let paused = world.start(Program::new("paused", "sleep").arg("1000")).unwrap();
    paused.pause().unwrap();
    let directory = world.directory().to_owned();
    let id = paused.id().to_string();
    drop(world);
    assert!(!directory.exists());
    wait_for("the end of the children", || !runs(&child) && !runs(&id));
}

/// Starts itself as a process by the name of this test, and kills that process.
#[test]
fn killed_test_leaves_nothing_behind() {
    const CHILD: &str = "TESTKIT_WORLD_OF_THE_KILLED";
    if std::env::var_os(CHILD).is_some() {
        let (world, child) = world_with_child();
        println!("\nopened {child} {}", world.directory().display());
        std::thread::sleep(LIMIT);
        return;
    }
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_test_leaves_nothing_behind", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(test.stdout.take().unwrap()).lines().map_while(Result::ok);
    let opened = lines.into_iter().find_map(|line| line.strip_prefix("opened ").map(str::to_owned)).unwrap();
    let (child, directory) = opened.split_once(' ').unwrap();
    assert!(runs(child) && Path::new(directory).exists());
    test.kill().unwrap();
    test.wait().unwrap();
    wait_for("the end of the children and the directory", || !runs(child) && !Path::new(directory).exists());
}

#[test]
fn killed_process_starts_again_and_keeps_its_log() {
    let world = World::new("testkit").unwrap();
    let process = world.start(Program::new("echo", "sh").arg("-c").arg("echo started; sleep 1000")).unwrap();
    wait_for("the first start", || process.log() == "started\n");
    process.kill();
    assert!(process.ended().unwrap().contains("signal: 9"));
    process.restart().unwrap();
    wait_for("the second start", || process.log() == "started\nstarted\n");
    assert_eq!(process.ended(), None);
}

#[test]
fn proxy_forwards_until_it_cuts_and_then_accepts_new_connections() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(server.local_addr().unwrap().port()).unwrap();
    let address = proxy.url().trim_start_matches("nats://").to_owned();

    let mut client = TcpStream::connect(&address).unwrap();
    let (mut served, _) = server.accept().unwrap();
    client.write_all(b"hello").unwrap();
    let mut incoming = [0; 5];
    served.read_exact(&mut incoming).unwrap();
    served.write_all(b"world").unwrap();
    client.read_exact(&mut incoming).unwrap();
    assert_eq!((&incoming, proxy.cuts()), (b"world", 0));

    proxy.cut_after(3);
    client.write_all(b"goodbye").unwrap();
    let mut last = Vec::new();
    let ended = served.read_to_end(&mut last);
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    assert_eq!((last.as_slice(), proxy.cuts()), (b"goo".as_slice(), 1));
    assert!(matches!(client.read(&mut incoming), Ok(0) | Err(_)));

    let mut again = TcpStream::connect(&address).unwrap();
    let (mut served, _) = server.accept().unwrap();
    again.write_all(b"hello").unwrap();
    served.read_exact(&mut incoming).unwrap();
    assert_eq!(&incoming, b"hello");
}

#[test]
fn frozen_proxy_passes_nothing_and_closes_nothing_until_it_cuts() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(server.local_addr().unwrap().port()).unwrap();
    let address = proxy.url().trim_start_matches("nats://").to_owned();
    let mut client = TcpStream::connect(&address).unwrap();
    let (mut served, _) = server.accept().unwrap();

    proxy.freeze();
    client.write_all(b"lost").unwrap();
    served.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let nothing = served.read(&mut [0; 4]).unwrap_err();
    assert!(matches!(nothing.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing}");
    assert_eq!((proxy.accepted(), proxy.ended()), (1, 0));

    proxy.cut();
    assert!(matches!(served.read(&mut [0; 4]), Ok(0) | Err(_)));
    wait_for("the end of the connection", || proxy.ended() == 1);
    TcpStream::connect(&address).unwrap().write_all(b"passes").unwrap();
    let mut passed = Vec::new();
    server.accept().unwrap().0.read_to_end(&mut passed).unwrap();
    assert_eq!(passed, b"passes");
}
