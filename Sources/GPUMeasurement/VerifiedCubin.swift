public import KernelImages
internal import MeasurementStore

/// Compiled kernels whose bytes are those that their manifest was written for.
public enum VerifiedCubin {
  /// The bytes of an image; throws where they are not what was compiled.
  ///
  /// Measurements are kept under the hash of the manifest, so other bytes would be kept under its name.
  public static func bytes(of image: KernelImage) throws(KernelImageError) -> [UInt8] {
    let bytes = try KernelManifest.cubin(of: image)
    let digest = SHA256.hexadecimal(bytes)
    guard digest == image.sha256 else {
      throw .invalid(
        path: image.path,
        reason:
          "its SHA-256 is \(digest.prefix(12))…, not the \(image.sha256.prefix(12))… of the manifest"
      )
    }
    return bytes
  }
}
