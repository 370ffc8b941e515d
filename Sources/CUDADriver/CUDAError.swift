public import TraceModel

/// Why something about the GPU failed, and in whose scope.
public struct CUDAError: Error, Hashable, Sendable {
  /// What failed.
  public enum Kind: Hashable, Sendable {
    /// The driver's library cannot be opened.
    case libraryMissing(path: String, reason: String)
    /// The driver is too old to have a function.
    case functionMissing(name: String, path: String)
    /// A call gave an error; `name` and `explanation` are the driver's own words.
    case call(String, code: CUDAErrorCode, name: String, explanation: String)
    /// Device memory does not suffice for an allocation.
    case outOfMemory(call: String, wanted: ByteCount, free: ByteCount?)
    /// A kernel's argument is not what its manifest says.
    case argument(index: Int, expected: String, given: String)
    /// A manifest's parameter type is none that can be passed, or there are too many of them.
    case signature(String)
    /// A copy or a fill goes past the end of a buffer.
    case outOfBounds(offset: Int, count: Int, size: ByteCount)
  }

  /// What failed.
  public var kind: Kind
  /// The variant and batch (or other work) in whose scope it failed; `nil` outside any.
  public var label: String?

  /// An error, in nobody's scope unless one is given.
  public init(_ kind: Kind, label: String? = nil) {
    self.kind = kind
    self.label = label
  }

  /// The driver's result, where a call failed.
  public var code: CUDAErrorCode? {
    switch kind {
    case .call(_, let code, _, _): code
    case .outOfMemory: .outOfMemory
    default: nil
    }
  }

  // Never inlined, nor is what follows: in a catch clause, Swift 6.3.1's optimiser ends with an
  // ownership error over the enumeration's payload.

  /// Whether the machine has no driver or no GPU, rather than one that failed.
  @inline(never)
  public var saysNoGPU: Bool {
    switch kind {
    case .libraryMissing: true
    case .call(_, let code, _, _): code == .noDevice
    default: false
    }
  }

  /// Whether the GPU has given up the process's context.
  @inline(never)
  public var isSticky: Bool {
    if case .call(_, let code, _, _) = kind { code.isSticky } else { false }
  }

  /// One line: what, in whose scope, and what to do.
  public var message: String {
    guard let label else { return text }
    return "\(label): \(text)"
  }

  private var text: String {
    switch kind {
    case .libraryMissing(let path, let reason):
      "no NVIDIA driver: cannot open \(path) (\(reason)); use a machine with a GPU"
    case .functionMissing(let name, let path):
      "\(path) has no \(name): the driver is older than CUDA 11.4; update it"
    case .call(let call, let code, let name, let explanation):
      "\(call) failed: \(name) (\(code.rawValue)), \(explanation)\(Self.advice(on: code))"
    case .outOfMemory(let call, let wanted, let free):
      "\(call) failed: \(wanted.rawValue) bytes of GPU memory wanted, "
        + "\(free.map { "\($0.rawValue)" } ?? "unknown") free; use a smaller KV pool"
    case .argument(let index, let expected, let given):
      "argument \(index): the kernel takes \(expected), given \(given); build its image again"
    case .signature(let detail): "kernel signature: \(detail); build its image again"
    case .outOfBounds(let offset, let count, let size):
      "\(count) bytes at \(offset) go past the end of a buffer of \(size.rawValue) bytes"
    }
  }

  private static func advice(on code: CUDAErrorCode) -> String {
    switch code {
    case .noBinaryForGPU: "; build the kernels for this GPU (reprise kernels build --arch)"
    case .noDevice: "; is a GPU visible (CUDA_VISIBLE_DEVICES)?"
    case _ where code.isSticky:
      "; the GPU has given up this process's context: start again, without what failed"
    default: ""
    }
  }
}
