/// What a kernel takes, in order, as the manifest beside its image says.
public struct KernelSignature: Hashable, Sendable {
  /// The type of one parameter.
  public enum Parameter: String, Hashable, Sendable, CaseIterable {
    /// An address on the GPU.
    case pointer = "pointer"
    /// 32 bits, signed or not.
    case int32 = "i32"
    /// 64 bits, signed or not.
    case int64 = "i64"
    /// A single-precision number.
    case float32 = "f32"

    /// Reads Triton's spelling; `nil` for types that no attention kernel takes.
    ///
    /// `*bf16` and all else that begins with `*` is a pointer; the numbers are `i32`, `u32`, `i64`,
    /// `u64`, `fp32` and `f32`.
    public init?(triton name: some StringProtocol) {
      switch name {
      case "i32", "u32": self = .int32
      case "i64", "u64": self = .int64
      case "fp32", "f32": self = .float32
      case _ where name.first == "*" && name.dropFirst().first != nil: self = .pointer
      case "pointer": self = .pointer
      default: return nil
      }
    }
  }

  /// The parameters; constants folded in by the compiler are none.
  public let parameters: [Parameter]

  /// A signature of at most `CUDALimits.kernelArgumentsMax` parameters.
  ///
  /// Triton appends two pointers to scratch memory to every kernel: they are among these.
  public init(_ parameters: [Parameter]) throws(CUDAError) {
    guard parameters.count <= CUDALimits.kernelArgumentsMax else {
      throw CUDAError(
        .signature(
          "\(parameters.count) parameters, more than \(CUDALimits.kernelArgumentsMax)"))
    }
    self.parameters = parameters
  }

  /// Reads the types as Triton spells them.
  public init(triton names: [String]) throws(CUDAError) {
    var parameters: [Parameter] = []
    for (index, name) in names.enumerated() {
      guard let parameter = Parameter(triton: name) else {
        throw CUDAError(.signature("parameter \(index) has the unknown type '\(name)'"))
      }
      parameters.append(parameter)
    }
    try self.init(parameters)
  }
}
