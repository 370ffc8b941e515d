/// Bounds of this module.
public enum KernelImageLimits {
  /// Bytes of a manifest; that of every variant and shape has under a megabyte.
  static let manifestBytesMax = 64 << 20
  /// Bytes of one compiled kernel; the largest has some hundred thousand.
  static let imageBytesMax = 64 << 20
}
