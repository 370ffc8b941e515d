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
  /// Triton MLA decode over a latent cache: a stage of splits, then their reduction.
  case tritonMLA = "triton-mla"
  /// The same as it was in 2025: keys and values of the latent cache read one after the other.
  case tritonMLA2025 = "triton-mla-2025"
  /// The form of 2025 with its first stage in two parts through 32 pages of scratch (PR #19774).
  case tritonMLAPages = "triton-mla-pages"

  /// The numbers of parts that the family's name may end in; `nil` where it has no such parameter.
  public var splits: ClosedRange<Int>? {
    switch self {
    case .triton3D: 2...128
    case .tritonMLA, .tritonMLA2025, .tritonMLAPages: 1...1024
    case .triton2D, .flashAttention3, .flashInfer: nil
    }
  }

  /// Whether it reads a latent cache (MLA), which no other family can.
  public var isLatent: Bool {
    switch self {
    case .tritonMLA, .tritonMLA2025, .tritonMLAPages: true
    case .triton2D, .triton3D, .flashAttention3, .flashInfer: false
    }
  }

  /// Whether its kernels are Triton's, launched from Python.
  public var isTriton: Bool {
    switch self {
    case .triton2D, .triton3D, .tritonMLA, .tritonMLA2025, .tritonMLAPages: true
    case .flashAttention3, .flashInfer: false
    }
  }
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

  /// A variant; `segments` counts for families with `splits` alone.
  public init(_ family: KernelFamily, segments: Int = 1, package: String = "") {
    self.family = family
    self.segments = family.splits == nil ? 1 : segments
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
    let own = family.splits == nil ? family.rawValue : "\(family.rawValue)-\(segments)"
    return package.isEmpty ? own : "\(package)/\(own)"
  }

  /// Reads a name back; `nil` where it names no variant, or a number of parts outside the family's.
  public init?(name: String) {
    var own = name
    var package = ""
    if let slash = name.firstIndex(of: "/") {
      package = String(name[..<slash])
      own = String(name[name.index(after: slash)...])
      guard Self.isPackage(package) else { return nil }
    }
    if let family = KernelFamily(rawValue: own), family.splits == nil {
      self.init(family, package: package)
      return
    }
    for family in KernelFamily.allCases {
      let prefix = family.rawValue + "-"
      guard let range = family.splits, own.hasPrefix(prefix),
        let segments = Int(own.dropFirst(prefix.count)), range.contains(segments),
        own == "\(prefix)\(segments)"
      else { continue }
      self.init(family, segments: segments, package: package)
      return
    }
    return nil
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
