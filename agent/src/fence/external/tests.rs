//! `fence_ipmilan` against BMCs played by `ipmi_sim`, beginning to end: what the protocol is told, and when.
use super::device::{Action, Answer, Device};
use super::plan::{Act, Plan};
use crate::clock;
use lifeboat_model::HostIndex;
use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A BMC on loopback, whose switch is a file.
struct Bmc {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Bmc {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("it has one").port();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("state")).expect("it is ours");
        fs::write(path("power"), "1").expect("it is ours");
        let power = path("power").display().to_string();
        let script = format!(
            "#!/bin/sh\nshift\nif [ \"$1\" = get ]; then echo \"power:$(cat {power})\"; else echo \"$3\" > {power}; fi\n"
        );
        fs::write(path("chassis"), script).expect("it is ours");
        fs::set_permissions(path("chassis"), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let auth = "none md2 md5 straight";
        let configuration = format!(
            "name \"h1\"\nset_working_mc 0x20\n startlan 1\n  addr 127.0.0.1 {port}\n  priv_limit admin\n  allowed_auths_callback {auth}\n  \
             allowed_auths_user {auth}\n  allowed_auths_operator {auth}\n  allowed_auths_admin {auth}\n  \
             guid a123456789abcdefa123456789abcd01\n endlan\n chassis_control \"{} h1\"\n \
             user 1 true \"\" \"test\" user 10 {auth}\n user 2 true \"admin\" \"s3cr3t\" admin 10 {auth}\n",
            path("chassis").display()
        );
        fs::write(path("lan.conf"), configuration).expect("it is ours");
        let parts =
            "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n";
        fs::write(path("parts.emu"), parts).expect("it is ours");
        fs::write(path("password"), "s3cr3t\n").expect("it is ours");
        let child = Command::new("ipmi_sim")
            .args(["-n", "-c"])
            .arg(path("lan.conf"))
            .arg("-f")
            .arg(path("parts.emu"))
            .arg("-s")
            .arg(path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ipmi_sim, of Debian's package openipmi, is installed");
        let bmc = Self { folder, port, child };
        bmc.wait_until_it_answers();
        bmc
    }

    fn wait_until_it_answers(&self) {
        let end = clock::now() + Duration::from_secs(30);
        while self.device().run(Action::Status, &|| false) != Answer::IsOn {
            assert!(
                clock::now() < end,
                "ipmi_sim does not answer fence_ipmilan, of Debian's package fence-agents"
            );
            clock::wait(Duration::from_millis(50));
        }
    }

    fn device(&self) -> Device {
        Device::from(&crate::config::FenceAgent {
            host: "h1".into(),
            agent: "fence_ipmilan".into(),
            parameters: BTreeMap::from([
                ("ip".into(), "127.0.0.1".into()),
                ("ipport".into(), self.port.to_string()),
                ("username".into(), "admin".into()),
                ("lanplus".into(), "1".into()),
                ("cipher".into(), "3".into()),
            ]),
            parameter_files: BTreeMap::from([("password".into(), self.path("password"))]),
            power_on: true,
        })
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn is_on(&self) -> bool {
        read(&self.path("power")) == "1"
    }
}

impl Drop for Bmc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("it is there").trim().to_owned()
}

/// Carries out what the plan wants until it says something to somebody.
fn carry_out(plan: &mut Plan, devices: &[Device]) -> Act {
    let end = clock::now() + Duration::from_mins(1);
    loop {
        assert!(clock::now() < end, "nothing comes of it");
        for act in plan.acts() {
            match act {
                Act::Run(job) => {
                    let answer = devices[job.device].run(job.action, &|| false);
                    plan.answered(clock::now(), &job, &answer);
                }
                said => return said,
            }
        }
        plan.elapsed(clock::now());
    }
}

#[test]
fn a_host_with_two_supplies_is_switched_off_at_its_bmcs_and_on_again() {
    let (left, right) = (Bmc::start(), Bmc::start());
    let devices = [left.device(), right.device()];
    let mut plan = Plan::new(super::device::lanes(&devices));
    let host = HostIndex(0);
    plan.need(clock::now(), host, &[0, 1], true, false);
    assert_eq!(carry_out(&mut plan, &devices), Act::IsOff(host));
    assert!(!left.is_on() && !right.is_on());
    plan.release(host);
    assert_eq!(carry_out(&mut plan, &devices), Act::IsOnAgain(host));
    assert!(left.is_on() && right.is_on());
}

#[test]
fn a_wrong_password_is_unknown_and_is_not_said_aloud() {
    let bmc = Bmc::start();
    fs::write(bmc.path("password"), "wr0ng").expect("it is ours");
    let answer = bmc.device().run(Action::Status, &|| false);
    let Answer::Unknown(why) = answer else { panic!("{answer:?}") };
    assert!(!why.contains("wr0ng"), "{why}");
    assert!(bmc.is_on());
}

#[test]
fn a_bmc_that_is_gone_is_unknown() {
    let mut bmc = Bmc::start();
    bmc.child.kill().expect("it is ours");
    bmc.child.wait().expect("it is ours");
    let mut device = bmc.device();
    device.limit = Duration::from_secs(3);
    assert!(matches!(device.run(Action::Off, &|| false), Answer::Unknown(_)));
}
