/// A kernel's algorithm, apart from its parameters.
public enum KernelFamily: String, Hashable, Sendable, CaseIterable {
  /// Unified Triton attention, one CTA per query block and KV head.
  case triton2D = "triton-2d"
  /// Unified Triton attention with the KV of a row split into segments, and their reduction.
  case triton3D = "triton-3d"
  /// FlashAttention 3, which plans its own splits.
  case flashAttention3 = "flash-attention-3"
  /// FlashInfer's paged attention, which plans its own splits.
  case flashInfer = "flashinfer"

  /// Whether its kernels are Triton's, launched from Python.
  public var isTriton: Bool { self == .triton2D || self == .triton3D }
}

/// One compiled kernel, or a fixed sequence such as split-KV and its reduction, with its parameters.
public struct KernelVariant: Hashable, Sendable {
  /// The algorithm.
  public var family: KernelFamily
  /// Parts that the KV of a row is split into; 1 where the family does not split by a parameter.
  public var segments: Int

  /// A variant; `segments` counts for `triton3D` alone.
  public init(_ family: KernelFamily, segments: Int = 1) {
    self.family = family
    self.segments = family == .triton3D ? segments : 1
  }

  /// Unified Triton attention without a split.
  public static let triton2D = KernelVariant(.triton2D)
  /// Unified Triton attention split into 16 segments, vLLM's constant.
  public static let triton3D16 = KernelVariant(.triton3D, segments: 16)
  /// FlashAttention 3 as shipped in vLLM.
  public static let flashAttention3 = KernelVariant(.flashAttention3)
  /// FlashInfer as called by vLLM.
  public static let flashInfer = KernelVariant(.flashInfer)

  /// The name that reports, rule files and measurements use, such as `triton-3d-16`.
  public var name: String {
    family == .triton3D ? "\(family.rawValue)-\(segments)" : family.rawValue
  }

  /// Reads a name back; `nil` where it names no variant, or segments outside 2…128.
  public init?(name: String) {
    if let family = KernelFamily(rawValue: name), family != .triton3D {
      self.init(family)
      return
    }
    let prefix = KernelFamily.triton3D.rawValue + "-"
    guard name.hasPrefix(prefix), let segments = Int(name.dropFirst(prefix.count)),
      (2...128).contains(segments), name == "\(prefix)\(segments)"
    else { return nil }
    self.init(.triton3D, segments: segments)
  }
}
