//! Fetching what an NVIDIA GPU needs.

use lsearch_engine::nvidia_device_present;
use lsearch_engine::runtime::{self, Package};

use super::{DRIVER, driver_version, folders_elsewhere, is_old_driver, remember};
use crate::app::App;
use crate::encoder::{python, runtime_folders};
use crate::errors::CliError;
use crate::output::units;
use crate::places::path_variable;

/// Fetches what is missing for the GPU. With `force`, what others have installed does not count, nor
/// that there is no GPU.
pub fn fetch(app: &App, force: bool) -> Result<(), CliError> {
    runtime::download_bytes(Package::Cuda).map_err(|error| {
        CliError::new(error.to_string()).hint("the CPU encodes; nothing has to be set up for that")
    })?;
    let explicit = path_variable("LSEARCH_ORT_LIB");
    if let Some(library) = explicit.as_deref().filter(|library| !runtime::has_cuda(library)) {
        let shown = library.display();
        return Err(CliError::new(format!("{shown}: an ONNX Runtime without CUDA")).hint(
            "LSEARCH_ORT_LIB names it: unset that and run `lsearch setup --gpu` again; nothing was fetched",
        ));
    }
    check_device(app, force)?;
    app.places.create_data()?;
    let elsewhere = if force { Vec::new() } else { folders_elsewhere() };
    let found = runtime::cuda_libraries(&elsewhere);
    let mut missing = Vec::new();
    if explicit.is_none() && !is_installed(app, Package::Cuda)? {
        missing.push(Package::Cuda);
    }
    for package in Package::CUDA_LIBRARIES {
        // What was fetched goes before what others installed, so it must be whole.
        let fetched = is_begun(app, package)?;
        if (fetched || found.missing.contains(&package)) && !is_installed(app, package)? {
            missing.push(package);
        }
    }
    fetch_packages(app, &missing)?;
    remember(app, elsewhere);
    Ok(())
}

fn is_installed(app: &App, package: Package) -> Result<bool, CliError> {
    for folder in runtime_folders(app) {
        if runtime::is_installed(package, &folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_begun(app: &App, package: Package) -> Result<bool, CliError> {
    Ok(runtime::package_folder(package, &app.places.data.join("runtime"))?.exists())
}

fn fetch_packages(app: &App, packages: &[Package]) -> Result<(), CliError> {
    if packages.is_empty() {
        app.say("what the GPU needs is there already");
        return Ok(());
    }
    let by_hand =
        "or install CUDA 13 and onnxruntime-gpu yourself (set LSEARCH_ORT_LIB to its library file)";
    let Some(python) = python() else {
        return Err(CliError::new("there is no python3 to fetch with")
            .hint(format!("install python3 with pip and run the command again, {by_hand}")));
    };
    let (mut fetched, mut on_disk) = (0, 0);
    for package in packages {
        fetched += runtime::download_bytes(*package)?;
        on_disk += runtime::installed_bytes(*package)?;
    }
    app.say(format_args!(
        "fetching what the GPU needs, once: {} ({} on disk)",
        units::bytes(fetched),
        units::bytes(on_disk)
    ));
    let folder = app.places.data.join("runtime");
    for package in packages {
        runtime::install_package(*package, &folder, &python, &|line| {
            app.say(format_args!("  {line} …"));
        })
        .map_err(|error| {
            CliError::from(error).hint(format!(
                "check the connection that pip uses and run `lsearch setup --gpu` again (what is there is \
                 kept), {by_hand}"
            ))
        })?;
    }
    Ok(())
}

fn check_device(app: &App, force: bool) -> Result<(), CliError> {
    if !nvidia_device_present() {
        let none = "no NVIDIA GPU here (/dev/nvidiactl, /dev/nvidia0 and /dev/dxg are missing)";
        if !force {
            return Err(CliError::new(none).hint(format!(
                "install NVIDIA's driver, {DRIVER} or newer, or give the container the GPU; nothing was \
                 fetched\n(--force fetches all the same, for an image; the CPU needs no setup)"
            )));
        }
        app.say(format_args!("{none}; fetching all the same"));
    }
    if let Some(version) = driver_version().filter(|version| is_old_driver(version)) {
        app.warn(format_args!(
            "NVIDIA's driver is {version}; CUDA 13 needs {DRIVER} or newer (or its compatibility package)"
        ));
    }
    Ok(())
}
