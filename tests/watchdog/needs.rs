//! What the machines are made of: programs of this machine, a kernel of Debian's, and the product's own programs.
use lifeboat_lab::programs::Programs;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs and their packages.
const PROGRAMS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("setpriv", "util-linux"),
    ("cpio", "cpio"),
    ("mke2fs", "e2fsprogs"),
    ("ldd", "libc-bin"),
    ("dpkg", "dpkg"),
    ("apt-get", "apt"),
];
/// Debian's smallest kernel; which version it is, its package says.
const KERNEL: &str = "linux-image-cloud-amd64";

/// What was found.
#[derive(Debug)]
pub(crate) struct Needs {
    pub(crate) kernel: PathBuf,
    /// Where the kernel's modules are.
    pub(crate) modules: PathBuf,
    pub(crate) busybox: PathBuf,
    pub(crate) agent: PathBuf,
    pub(crate) service: PathBuf,
}

/// What is missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Missing {
    #[error("{program} is missing: apt-get install {package}")]
    Program { program: &'static str, package: &'static str },
    #[error("{0} is linked dynamically: apt-get install busybox-static")]
    BusyBox(String),
    #[error("the kernel of the package {KERNEL} cannot be had: {0}")]
    Kernel(String),
    #[error("the programs of this workspace cannot be built: {0}")]
    Build(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Needs {
    pub(crate) fn find() -> Result<Self, Missing> {
        for (program, package) in PROGRAMS.iter().copied() {
            which(program).ok_or(Missing::Program { program, package })?;
        }
        let busybox =
            which("busybox").ok_or(Missing::Program { program: "busybox", package: "busybox-static" })?;
        if said(Command::new("ldd").arg(&busybox)).is_ok_and(|says| says.contains("libc.so")) {
            return Err(Missing::BusyBox(busybox.display().to_string()));
        }
        let root = kernel()?;
        let (kernel, modules) = parts(&root)?;
        let (agent, service) = programs()?;
        Ok(Self { kernel, modules, busybox, agent, service })
    }
}

/// The package of the kernel, unpacked beside what cargo builds; once for all runs.
fn kernel() -> Result<PathBuf, Missing> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watchdog-kernel");
    let root = folder.join("root");
    if parts(&root).is_ok() {
        return Ok(root);
    }
    let failed = |what: String| Missing::Kernel(what);
    fs::create_dir_all(&folder)?;
    let name =
        || said(Command::new("apt-cache").args(["depends", "--no-recommends", "--no-suggests", KERNEL]));
    let image = |says: &str| {
        let depends = says.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        depends.map(str::to_owned).find(|package| package.starts_with("linux-image-"))
    };
    let mut package = name().ok().and_then(|says| image(&says));
    if package.is_none() {
        said(&mut apt_get(&["update", "-qq"])).map_err(failed)?;
        package = name().ok().and_then(|says| image(&says));
    }
    let package = package.ok_or_else(|| Missing::Kernel("apt-cache does not know it".into()))?;
    let download = || said(apt_get(&["download", "-qq", &package]).current_dir(&folder));
    if download().is_err() {
        said(&mut apt_get(&["update", "-qq"])).map_err(failed)?;
        download().map_err(failed)?;
    }
    let file = fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "deb"));
    let file = file.ok_or_else(|| Missing::Kernel(format!("{package} was not downloaded")))?;
    said(Command::new("dpkg").arg("-x").arg(&file).arg(&root)).map_err(failed)?;
    fs::remove_file(file)?;
    parts(&root)?;
    Ok(root)
}

fn parts(root: &Path) -> Result<(PathBuf, PathBuf), Missing> {
    let only = |folder: &Path, begins: &str| -> Result<PathBuf, Missing> {
        let entries = fs::read_dir(folder)?.filter_map(Result::ok);
        let found = entries
            .map(|entry| entry.path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins)));
        found
            .ok_or_else(|| Missing::Kernel(format!("nothing in {} begins with {begins:?}", folder.display())))
    };
    let modules = only(&root.join("lib/modules"), "")?.join("kernel");
    Ok((only(&root.join("boot"), "vmlinuz")?, modules))
}

/// Agent and service, built as this test is.
fn programs() -> Result<(PathBuf, PathBuf), Missing> {
    // target/debug/deps/watchdog-…: the programs are in target/debug.
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let programs = Programs::build(env!("CARGO"), &folder.join("lab-host"))
        .map_err(|fault| Missing::Build(fault.to_string()))?;
    Ok((programs.agent, programs.service))
}

/// Where a program is.
fn which(program: &str) -> Option<PathBuf> {
    let places = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    places.iter().map(|place| Path::new(place).join(program)).find(|path| path.exists())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get.args(["-o", "Acquire::Retries=5"]).args(arguments);
    apt_get
}

/// What a command says; if it fails, what it says of that.
pub(crate) fn said(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|fault| format!("{name} cannot be run: {fault}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}
