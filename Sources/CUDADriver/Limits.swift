internal import TraceModel

/// Bounds of this module.
public enum CUDALimits {
  /// Arguments of one kernel; Triton's attention kernels take about forty.
  public static let kernelArgumentsMax = 96
  /// Bytes of a device's name, its final NUL included.
  static let deviceNameBytesMax = 256
  /// Bytes of a PCI bus id such as `00000000:17:00.0`, its final NUL included.
  static let busIdentifierBytesMax = 32
  /// Failures on release that are kept; one lost context fails every later release.
  static let releaseFailuresMax = 16
  /// Memory that a product may use beside its operands: PyTorch gives it as much on Hopper, and cuBLAS
  /// chooses its kernels by it.
  static let productWorkspace = ByteCount(32 << 20)
}
