internal import TraceModel

/// Matrix products of bf16 on one stream, by cuBLAS, as an engine's linear layers compute them.
///
/// Nobody reads what comes out: they are there for what they leave behind on the GPU. Which SM a CTA of the
/// next kernel goes to depends on the kernel before it.
@safe public final class MatrixProducts {
  private let functions: CUBLASFunctions
  private let handle: OpaquePointer
  private let lifetime: ContextLifetime
  private let workspace: CUDADeviceBuffer
  private var operands: Operands?

  /// Sizes of one product: input (`rows` × `inner`) · weightsᵀ (`inner` × `columns`).
  public struct Size: Hashable, Sendable {
    /// Rows of input and output: tokens.
    public var rows: Int
    /// Elements of an input's row, over which the sums go.
    public var inner: Int
    /// Elements of an output's row.
    public var columns: Int

    /// Sizes, each at least 1.
    public init(rows: Int, inner: Int, columns: Int) {
      self.rows = rows
      self.inner = inner
      self.columns = columns
    }

    fileprivate var weightBytes: ByteCount { Self.bytes(columns, inner) }
    fileprivate var inputBytes: ByteCount { Self.bytes(rows, inner) }
    fileprivate var outputBytes: ByteCount { Self.bytes(rows, columns) }

    private static func bytes(_ rows: Int, _ columns: Int) -> ByteCount {
      ByteCount(Int64(2 * rows * columns))
    }
  }

  /// Weights, input and output, with room for one size and smaller ones.
  private final class Operands {
    let weights: CUDADeviceBuffer
    let input: CUDADeviceBuffer
    let output: CUDADeviceBuffer

    init(_ size: Size, in context: borrowing CUDAContext) throws(CUDAError) {
      weights = try CUDADeviceBuffer(size.weightBytes, in: context)
      input = try CUDADeviceBuffer(size.inputBytes, in: context)
      output = try CUDADeviceBuffer(size.outputBytes, in: context)
    }

    func hold(_ size: Size) -> Bool {
      weights.size >= size.weightBytes && input.size >= size.inputBytes
        && output.size >= size.outputBytes
    }
  }

  /// Makes cuBLAS ready on a stream; throws where memory is short or cuBLAS does not go with the driver.
  public init(
    functions: CUBLASFunctions, on stream: borrowing CUDAStream,
    in context: borrowing CUDAContext
  ) throws(CUDAError) {
    workspace = try CUDADeviceBuffer(CUDALimits.productWorkspace, in: context)
    guard let handle = unsafe functions.create() else {
      throw context.driver.failure(of: "cublasCreate_v2", CUDAErrorCode.notSupported.rawValue)
    }
    self.functions = functions
    unsafe self.handle = unsafe handle
    lifetime = context.lifetime
    try Self.check("cublasSetStream_v2", unsafe functions.setStream(handle, stream.handle), context)
    try Self.check(
      "cublasSetWorkspace_v2",
      unsafe functions.setWorkspace(
        handle, workspace.address, Int(CUDALimits.productWorkspace.rawValue)), context)
  }

  deinit { _ = unsafe functions.destroy(handle) }

  /// Makes room for a product; the contents are whatever was there before.
  public func reserve(_ size: Size, in context: borrowing CUDAContext) throws(CUDAError) {
    if let operands, operands.hold(size) { return }
    operands = nil
    operands = try Operands(size, in: context)
  }

  /// Enqueues a product for which there is room.
  public func enqueue(_ size: Size, in context: borrowing CUDAContext) throws(CUDAError) {
    guard let operands, operands.hold(size) else {
      preconditionFailure("a product of \(size) without room for it")
    }
    let product = CUBLASFunctions.Product(
      rows: Int32(clamping: size.rows), inner: Int32(clamping: size.inner),
      columns: Int32(clamping: size.columns), weights: operands.weights.address,
      input: operands.input.address, output: operands.output.address)
    try Self.check("cublasGemmEx", unsafe functions.multiply(handle, product), context)
  }

  private static func check(
    _ call: StaticString, _ status: Int32, _ context: borrowing CUDAContext
  ) throws(CUDAError) {
    guard status != 0 else { return }
    throw context.driver.error(
      .call(
        "\(call)", code: .notSupported, name: "cuBLAS status \(status)",
        explanation: "see cublasStatus_t in cuBLAS's documentation"))
  }
}
