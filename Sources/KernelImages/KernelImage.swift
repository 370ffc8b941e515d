public import TraceModel

/// One argument of a compiled kernel.
public struct KernelArgument: Hashable, Sendable {
  /// Its name in the kernel's source, such as `query_starts`.
  public var name: String
  /// Its type as Triton spells it, such as `*bf16` or `i64`.
  public var type: String
  /// What every value of it must be a multiple of, or the kernel's loads are wrong.
  public var divisibleBy: Int
}

/// One compiled function and how it is launched.
public struct KernelImage: Hashable, Sendable {
  /// Its name within the manifest.
  public var key: String
  /// Where the cubin lies.
  public var path: String
  /// SHA-256 of the cubin, in hexadecimal.
  public var sha256: String
  /// The function's name in the cubin.
  public var entry: String
  /// What the function takes, without the two scratch pointers that end every list.
  public var arguments: [KernelArgument]
  /// What the compiler folded in, such as `BLOCK_M`.
  public var constants: [JSONValue.Member]
  /// Warps of a CTA.
  public var warps: Int
  /// Threads of a CTA.
  public var threads: Int
  /// Dynamic shared memory of a CTA, in bytes.
  public var sharedBytes: Int
  /// Bytes of scratch memory that the function wants beside its arguments.
  public var scratchBytes: Int

  /// The types that the driver is told, both scratch pointers included.
  public var signature: [String] { arguments.map(\.type) + ["*i8", "*i8"] }
}

/// One launch of a variant: a function and the names of its grid's extents.
public struct KernelLaunch: Hashable, Sendable {
  /// The function.
  public var image: KernelImage
  /// Names of three extents, fastest first, such as `query_blocks`.
  public var grid: [String]
}

/// What a variant runs for one shape of heads and cache: one kernel, or several in order.
public struct KernelProgram: Hashable, Sendable {
  /// The variant's name, such as `triton-3d-16`.
  public var variant: String
  /// The heads and the cache that it is compiled for.
  public var shape: KernelShape
  /// Parts that the KV of a row is split into; 1 for none, and for latent kernels what a launch wants.
  public var segments: Int
  /// Rows of a CTA's matrix product: query tokens times the heads that share a KV head.
  public var blockM: Int
  /// The launches in order.
  public var launches: [KernelLaunch]

  /// What measurements call it: the hashes of its cubins in the order of their launches.
  public var imageHash: String { launches.map(\.image.sha256).joined(separator: "+") }
  /// The same kernels launched with another number of splits, as `variant`; latent kernels alone.
  public func split(_ splits: Int, as variant: String) -> KernelProgram {
    var program = self
    program.variant = variant
    program.segments = splits
    return program
  }

  /// Query tokens of one CTA.
  public var queryTokensPerBlock: Int { max(1, blockM / max(1, shape.ratio)) }
  /// Elements of a head in segment scratch: the next power of two.
  public var paddedHeadSize: Int {
    var size = 1
    while size < shape.headSize { size *= 2 }
    return size
  }
}

/// What a kernel knows of a model.
public struct KernelShape: Hashable, Sendable {
  /// Elements of a head; of an output's head where the cache is latent.
  public var headSize: Int
  /// Query heads that share a KV head; 0 for latent caches, whose kernels take any number.
  public var ratio: Int
  /// Tokens in a KV block.
  public var blockSize: Int
  /// The type of queries and cache, such as `bf16`.
  public var element: String

  /// A shape.
  public init(headSize: Int, ratio: Int, blockSize: Int, element: String = "bf16") {
    self.headSize = headSize
    self.ratio = ratio
    self.blockSize = blockSize
    self.element = element
  }

  /// A latent cache (MLA): 512 latent elements, which are values too, and 64 rotary ones.
  public static func latent(blockSize: Int, element: String = "bf16") -> KernelShape {
    KernelShape(headSize: 512, ratio: 0, blockSize: blockSize, element: element)
  }

  /// Whether its cache is latent.
  public var isLatent: Bool { ratio == 0 }

  /// The call that builds kernels for it.
  func buildCommand(architecture: String) -> String {
    "reprise kernels build --arch \(architecture) --head-size \(headSize)"
      + (isLatent ? "" : " --ratio \(ratio)")
      + " --block-size \(blockSize)" + (element == "bf16" ? "" : " --element \(element)")
  }
}
