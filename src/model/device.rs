//! Where tensors live: the only file that knows which backends this build has.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::ModelError;

/// A device that can be asked for by name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceKind {
    /// A GPU where build and machine have one, else the processor.
    Auto,
    /// The processor, with kernels of this program and burn-flex around them.
    #[default]
    Flex,
    /// burn-ndarray: the processor, six to twenty times slower; kept for comparison.
    Ndarray,
    /// An NVIDIA GPU, by its number.
    Cuda(u8),
    /// The first Vulkan device (GPUs of all makers, and Mesa's software driver).
    Vulkan,
}

/// All that can be asked for; machines with more than eight NVIDIA GPUs choose with `CUDA_VISIBLE_DEVICES`.
const ALL: [DeviceKind; 12] = [
    DeviceKind::Auto,
    DeviceKind::Flex,
    DeviceKind::Ndarray,
    DeviceKind::Cuda(0),
    DeviceKind::Cuda(1),
    DeviceKind::Cuda(2),
    DeviceKind::Cuda(3),
    DeviceKind::Cuda(4),
    DeviceKind::Cuda(5),
    DeviceKind::Cuda(6),
    DeviceKind::Cuda(7),
    DeviceKind::Vulkan,
];

impl DeviceKind {
    /// Their names; `cuda` and `cuda:0` are the same.
    pub const NAMES: &[&str] = &[
        "auto", "flex", "ndarray", "cuda", "cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4", "cuda:5",
        "cuda:6", "cuda:7", "vulkan",
    ];

    /// The kinds that this build has.
    pub fn available() -> Vec<Self> {
        let mut kinds = vec![Self::Flex, Self::Ndarray];
        if cfg!(feature = "cuda") {
            kinds.push(Self::Cuda(0));
        }
        if cfg!(feature = "vulkan") {
            kinds.push(Self::Vulkan);
        }
        kinds
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Cuda(0) => "cuda",
            Self::Cuda(number) => [
                "cuda:1", "cuda:2", "cuda:3", "cuda:4", "cuda:5", "cuda:6", "cuda:7",
            ][usize::from(number.clamp(1, 7)) - 1],
            Self::Vulkan => "vulkan",
        }
    }

    /// The feature of the build that it needs.
    #[cfg(not(all(feature = "cuda", feature = "vulkan")))]
    fn feature(self) -> &'static str {
        match self {
            Self::Cuda(_) => "cuda",
            other => other.name(),
        }
    }
}

impl clap::ValueEnum for DeviceKind {
    fn value_variants<'a>() -> &'a [Self] {
        &ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        let value = clap::builder::PossibleValue::new(self.name());
        Some(match self {
            Self::Auto => value.help("A GPU where build and machine have one, else the processor"),
            Self::Flex => value.help("The processor"),
            Self::Ndarray => value.help("The processor, many times slower; kept for comparison"),
            Self::Cuda(0) => value
                .help("The first NVIDIA GPU; cuda:1 to cuda:7 are the others")
                .alias("cuda:0"),
            Self::Cuda(_) => value.hide(true),
            Self::Vulkan => value.help("The first Vulkan device"),
        })
    }
}

impl Serialize for DeviceKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DeviceKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        clap::ValueEnum::from_str(&name, false)
            .map_err(|_| serde::de::Error::custom(format!("`{name}` is none of {}", Self::NAMES.join(", "))))
    }
}

/// An opened device.
#[derive(Debug, Clone)]
pub struct Accelerator {
    /// Never [`DeviceKind::Auto`], but what that has led to.
    pub kind: DeviceKind,
    /// Why [`DeviceKind::Auto`] has led there.
    pub reason: Option<String>,
    device: Device,
}

impl Accelerator {
    /// Opens the device.
    ///
    /// Errors: the build has no such backend, or the machine no such device (asked before first use, because burn panics there).
    pub fn open(kind: DeviceKind) -> Result<Self, ModelError> {
        #[allow(deprecated)] // burn-ndarray is deprecated upstream; it stays selectable for comparison
        let device = match kind {
            DeviceKind::Auto => return Self::choose(),
            DeviceKind::Flex => Device::flex(),
            DeviceKind::Ndarray => Device::ndarray(),
            #[cfg(feature = "cuda")]
            DeviceKind::Cuda(number) => cuda(number)?,
            #[cfg(feature = "vulkan")]
            DeviceKind::Vulkan => vulkan()?,
            #[cfg(not(all(feature = "cuda", feature = "vulkan")))]
            _ => {
                let available: Vec<_> = DeviceKind::available()
                    .into_iter()
                    .map(DeviceKind::name)
                    .collect();
                return Err(ModelError::DeviceNotBuilt {
                    device: kind.name().into(),
                    feature: kind.feature().into(),
                    available: available.join(", "),
                });
            }
        };
        Ok(Self {
            kind,
            reason: None,
            device,
        })
    }

    /// The first GPU that can be had, else the processor.
    fn choose() -> Result<Self, ModelError> {
        let mut reasons = Vec::new();
        for kind in DeviceKind::available() {
            if !matches!(kind, DeviceKind::Cuda(_) | DeviceKind::Vulkan) {
                continue;
            }
            match Self::open(kind) {
                Ok(found) if found.is_software() => {
                    reasons.push(format!("{} has only a software driver", kind.name()));
                }
                Ok(found) => {
                    let reason = format!("device: {} ({})", kind.name(), found.name());
                    return Ok(Self {
                        reason: Some(reason),
                        ..found
                    });
                }
                Err(ModelError::DeviceMissing { device }) => {
                    reasons.push(format!("no {device} device was found"))
                }
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if reasons.is_empty() {
            reasons.push("this build has no `cuda` and no `vulkan`".into());
        }
        let reason = format!("device: flex, the processor ({})", reasons.join("; "));
        Ok(Self {
            reason: Some(reason),
            ..Self::open(DeviceKind::Flex)?
        })
    }

    /// What a GPU calls itself.
    fn name(&self) -> String {
        #[cfg(feature = "gpu")]
        return self
            .device
            .identity()
            .map_or_else(String::new, |identity| identity.name);
        #[cfg(not(feature = "gpu"))]
        String::new()
    }

    /// Whether a GPU is only played by the processor: Mesa's llvmpipe, Google's SwiftShader.
    fn is_software(&self) -> bool {
        let name = self.name().to_lowercase();
        name.contains("llvmpipe") || name.contains("swiftshader")
    }

    /// Whether the networks run on kernels of this program on the processor (`model/native`), and not on burn's operations.
    pub fn has_kernels(&self) -> bool {
        self.kind == DeviceKind::Flex
    }

    /// Whether the networks run on kernels of this program on a GPU (`model/cube`).
    pub fn is_gpu(&self) -> bool {
        matches!(self.kind, DeviceKind::Cuda(_) | DeviceKind::Vulkan)
    }

    /// Bytes that a buffer on a GPU may have: what Vulkan promises everywhere, or a part of an NVIDIA card.
    #[cfg(feature = "gpu")]
    pub(super) fn largest_buffer(&self) -> usize {
        match self.kind {
            DeviceKind::Cuda(_) => 2 << 30,
            _ => 128 << 20,
        }
    }

    /// The way to a GPU for the kernels of `model/cube`, which share its memory with burn.
    ///
    /// Panics if the device is no GPU.
    #[cfg(feature = "gpu")]
    pub(super) fn client(&self) -> burn::cubecl::client::Client {
        match self.kind {
            #[cfg(feature = "cuda")]
            DeviceKind::Cuda(number) => {
                let device = burn::cubecl::Device::cuda(number.into()).expect("opened before");
                device.client()
            }
            #[cfg(feature = "vulkan")]
            DeviceKind::Vulkan => {
                let tensor = burn::tensor::Tensor::<1>::zeros([1], &self.device);
                let primitive = tensor.try_into_primitive::<burn::backend::Cube>();
                primitive.expect("a GPU of this build").client
            }
            kind => panic!("{} is no GPU", kind.name()),
        }
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
fn cuda(number: u8) -> Result<Device, ModelError> {
    Device::enumerate(burn::tensor::DeviceType::Cuda)
        .into_vec()
        .into_iter()
        .nth(number.into())
        .ok_or_else(|| ModelError::DeviceMissing {
            device: DeviceKind::Cuda(number).name().into(),
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
