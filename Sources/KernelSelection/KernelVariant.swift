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
}

/// One compiled kernel, or a fixed sequence such as split-KV and its reduction, with its parameters.
public struct KernelVariant: Hashable, Sendable {
  /// The algorithm.
  public var family: KernelFamily
  /// Parts that the KV of a row is split into; 1 where the family does not split by a parameter.
  public var segments: Int
  /// The installed package that the kernel is of, with its version, such as `vllm-0.24.0`; empty for
  /// the kernels of this project and of its profiles.
  public var package: String

  /// A variant; `segments` counts for `triton3D` alone.
  public init(_ family: KernelFamily, segments: Int = 1, package: String = "") {
    self.family = family
    self.segments = family == .triton3D ? segments : 1
    self.package = package
  }

  /// Unified Triton attention without a split.
  public static let triton2D = KernelVariant(.triton2D)
  /// Unified Triton attention split into 16 segments, vLLM's constant.
  public static let triton3D16 = KernelVariant(.triton3D, segments: 16)
  /// FlashAttention 3 as shipped in vLLM.
  public static let flashAttention3 = KernelVariant(.flashAttention3)
  /// FlashInfer as called by vLLM.
  public static let flashInfer = KernelVariant(.flashInfer)

  /// The name that reports, rule files and measurements use, such as `triton-3d-16` or
  /// `vllm-0.24.0/triton-3d-16`.
  public var name: String {
    let own = family == .triton3D ? "\(family.rawValue)-\(segments)" : family.rawValue
    return package.isEmpty ? own : "\(package)/\(own)"
  }

  /// Reads a name back; `nil` where it names no variant, or segments outside 2…128.
  public init?(name: String) {
    var own = name
    var package = ""
    if let slash = name.firstIndex(of: "/") {
      package = String(name[..<slash])
      own = String(name[name.index(after: slash)...])
      guard Self.isPackage(package) else { return nil }
    }
    if let family = KernelFamily(rawValue: own), family != .triton3D {
      self.init(family, package: package)
      return
    }
    let prefix = KernelFamily.triton3D.rawValue + "-"
    guard own.hasPrefix(prefix), let segments = Int(own.dropFirst(prefix.count)),
      (2...128).contains(segments), own == "\(prefix)\(segments)"
    else { return nil }
    self.init(.triton3D, segments: segments, package: package)
  }

  /// The same kernel of another package.
  public func of(package: String) -> KernelVariant {
    KernelVariant(family, segments: segments, package: package)
  }

  /// Whether a text can name a package with its version: letters, digits, and `.`, `_`, `+`, `-`.
  static func isPackage(_ text: String) -> Bool {
    !text.isEmpty
      && text.allSatisfy { character in
        character.isASCII
          && (character.isLetter || character.isNumber || "._+-".contains(character))
      }
  }
}
