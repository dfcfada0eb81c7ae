//! Where tensors live: the only file that knows which backends this build has.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::ModelError;

/// A device that can be asked for by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The processor, with kernels of this program and burn-flex around them.
    #[default]
    Flex,
    /// burn-ndarray: the processor, six to twenty times slower; kept for comparison.
    Ndarray,
    /// The first NVIDIA GPU.
    Cuda,
    /// The first Vulkan device (GPUs of all makers, and Mesa's software driver).
    Vulkan,
}

impl DeviceKind {
    /// The kinds that this build has.
    pub fn available() -> Vec<Self> {
        let mut kinds = vec![Self::Flex, Self::Ndarray];
        if cfg!(feature = "cuda") {
            kinds.push(Self::Cuda);
        }
        if cfg!(feature = "vulkan") {
            kinds.push(Self::Vulkan);
        }
        kinds
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Cuda => "cuda",
            Self::Vulkan => "vulkan",
        }
    }
}

/// An opened device.
#[derive(Debug, Clone)]
pub struct Accelerator {
    pub kind: DeviceKind,
    device: Device,
}

impl Accelerator {
    /// Opens the device.
    ///
    /// Errors: the build has no such backend, or the machine no such device (asked before first use, because burn panics there).
    pub fn open(kind: DeviceKind) -> Result<Self, ModelError> {
        #[allow(deprecated)] // burn-ndarray is deprecated upstream; it stays selectable for comparison
        let device = match kind {
            DeviceKind::Flex => Device::flex(),
            DeviceKind::Ndarray => Device::ndarray(),
            #[cfg(feature = "cuda")]
            DeviceKind::Cuda => cuda()?,
            #[cfg(feature = "vulkan")]
            DeviceKind::Vulkan => vulkan()?,
            #[allow(unreachable_patterns)] // reachable unless all features are on
            _ => {
                let available: Vec<_> = DeviceKind::available()
                    .into_iter()
                    .map(DeviceKind::name)
                    .collect();
                return Err(ModelError::DeviceNotBuilt {
                    device: kind.name().into(),
                    available: available.join(", "),
                });
            }
        };
        Ok(Self { kind, device })
    }

    /// Whether the networks run on kernels of this program here (`model/native`), and not on burn's operations.
    pub fn has_kernels(&self) -> bool {
        self.kind == DeviceKind::Flex
    }

    /// For inference.
    pub fn inference(&self) -> Device {
        self.device.clone()
    }

    /// For training: operations are recorded for the backward pass.
    pub fn autodiff(&self) -> Device {
        self.device.clone().autodiff()
    }
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, ModelError> {
    Device::enumerate(burn::tensor::DeviceType::Cuda)
        .into_vec()
        .into_iter()
        .next()
        .ok_or_else(|| ModelError::DeviceMissing {
            device: DeviceKind::Cuda.name().into(),
        })
}

/// Opened once: burn refuses to set up the same graphics API a second time in one process.
#[cfg(feature = "vulkan")]
fn vulkan() -> Result<Device, ModelError> {
    use burn::tensor::wgpu::{WgpuBackend, WgpuInitError};
    static OPENED: std::sync::OnceLock<Result<Device, WgpuInitError>> = std::sync::OnceLock::new();

    OPENED
        .get_or_init(|| Device::wgpu_options().graphics_api(WgpuBackend::Vulkan).init())
        .as_ref()
        .cloned()
        .map_err(|error| match error {
            WgpuInitError::AdapterUnavailable { .. } => ModelError::DeviceMissing {
                device: DeviceKind::Vulkan.name().into(),
            },
            error => ModelError::DeviceRefused {
                device: DeviceKind::Vulkan.name().into(),
                what: error.to_string(),
            },
        })
}
