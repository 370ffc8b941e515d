public import CUDADriver
public import KernelImages
public import MeasurementStore
public import TraceModel

/// Why a batch cannot be measured, and what to do.
public enum GPUMeasurementError: Error, Hashable, Sendable {
  /// The machine has a driver and no GPU.
  case noDevice
  /// A call of the driver failed; its label names the variant and the batch.
  case cuda(CUDAError)
  /// A kernel that the batch needs is not there.
  case image(KernelImageError)
  /// Not even one copy of the batch's KV fits into the GPU's memory.
  case outOfMemory(variant: String, batch: String, needed: ByteCount)
  /// A tensor has more elements than the kernel's offsets reach; `elements` says how many of what.
  case beyondReach(variant: String, batch: String, elements: String)
  /// Measurements cannot be read or written.
  case store(MeasurementStoreError)
  /// The store has an earlier failure of the kernel on the batch.
  case failedBefore(variant: String, batch: String, reason: String)

  /// Whether the machine has no driver or no GPU, rather than one that failed.
  @inline(never)
  public var saysNoGPU: Bool {
    switch self {
    case .noDevice: true
    case .cuda(let error): error.saysNoGPU
    default: false
    }
  }

  /// Whether the GPU has given up the process's context.
  @inline(never)
  var isSticky: Bool {
    if case .cuda(let error) = self { error.isSticky } else { false }
  }

  /// One line: what, where, what to do.
  public var message: String {
    switch self {
    case .noDevice:
      "no GPU is visible to the driver (CUDA_VISIBLE_DEVICES?); use a machine with a GPU"
    case .cuda(let error): error.message
    case .image(let error): error.message
    case .outOfMemory(let variant, let batch, let needed):
      "kernel '\(variant)' on \(batch): \(needed.rawValue) bytes of GPU memory needed for one copy "
        + "of its KV, and less is free; free some, or leave the batch out with --from and --to"
    case .beyondReach(let variant, let batch, let elements):
      "kernel '\(variant)' on \(batch): \(elements) are more than its 32-bit offsets reach; choose "
        + "fewer splits, or leave the batch out with --from and --to"
    case .store(let error): error.message
    case .failedBefore(let variant, let batch, let reason):
      "kernel '\(variant)' failed on \(batch) before (\(reason)); "
        + "use another measurements file to try again"
    }
  }
}
