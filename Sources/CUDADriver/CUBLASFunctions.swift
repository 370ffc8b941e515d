internal import CCUDADriver

/// The functions of cuBLAS that one product takes.
@safe public struct CUBLASFunctions {
  /// What a product of bf16 matrices is told: sizes, and where the matrices are.
  public struct Product: Hashable, Sendable {
    /// Rows of the input and the output: tokens.
    public var rows: Int32
    /// Columns of the input, which the sums go over.
    public var inner: Int32
    /// Columns of the output.
    public var columns: Int32
    /// The weights, `columns` × `inner`.
    public var weights: UInt64
    /// The input, `rows` × `inner`.
    public var input: UInt64
    /// The output, `rows` × `columns`.
    public var output: UInt64
  }

  /// cuBLAS's `cublasCreate_v2`; `nil` where it gives no handle.
  public var create: () -> OpaquePointer?
  /// cuBLAS's `cublasDestroy_v2`.
  public var destroy: (OpaquePointer) -> Int32
  /// cuBLAS's `cublasSetStream_v2`.
  public var setStream: (OpaquePointer, OpaquePointer?) -> Int32
  /// cuBLAS's `cublasSetWorkspace_v2`: a handle, an address on the GPU and bytes.
  public var setWorkspace: (OpaquePointer, UInt64, Int) -> Int32
  /// cuBLAS's `cublasGemmEx` for output = input · weightsᵀ, as PyTorch calls it for a linear layer.
  public var multiply: (OpaquePointer, Product) -> Int32

  /// A table of given functions, for a fake.
  public init(
    create: @escaping () -> OpaquePointer?, destroy: @escaping (OpaquePointer) -> Int32,
    setStream: @escaping (OpaquePointer, OpaquePointer?) -> Int32,
    setWorkspace: @escaping (OpaquePointer, UInt64, Int) -> Int32,
    multiply: @escaping (OpaquePointer, Product) -> Int32
  ) {
    unsafe self.create = unsafe create
    unsafe self.destroy = unsafe destroy
    unsafe self.setStream = unsafe setStream
    unsafe self.setWorkspace = unsafe setWorkspace
    unsafe self.multiply = unsafe multiply
  }

  /// The library's names, of CUDA 13 and 12: what PyTorch brings along, once the linker's path has it.
  public static let libraryNames = ["libcublas.so.13", "libcublas.so.12"]

  /// Opens cuBLAS; `nil` where the linker finds none.
  public static func load(names: [String] = libraryNames) -> CUBLASFunctions? {
    for name in names {
      if let library = try? DynamicLibrary(path: name) {
        return try? CUBLASFunctions(library: library)
      }
    }
    return nil
  }

  private init(library: DynamicLibrary) throws(CUDAError) {
    func take<Function>(_ name: String, as type: Function.Type) throws(CUDAError) -> Function {
      unsafe unsafeBitCast(try library.symbol([name]), to: type)
    }
    let create = unsafe try take("cublasCreate_v2", as: PFN_cublasCreate.self)
    let setWorkspace = unsafe try take("cublasSetWorkspace_v2", as: PFN_cublasSetWorkspace.self)
    let multiply = unsafe try take("cublasGemmEx", as: PFN_cublasGemmEx.self)
    unsafe self.init(
      create: {
        var handle: OpaquePointer?
        return unsafe create(&handle) == 0 ? handle : nil
      },
      destroy: try take("cublasDestroy_v2", as: PFN_cublasDestroy.self),
      setStream: try take("cublasSetStream_v2", as: PFN_cublasSetStream.self),
      setWorkspace: { handle, address, bytes in
        guard let workspace = unsafe UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
          return -1
        }
        return unsafe setWorkspace(handle, workspace, bytes)
      },
      multiply: { handle, product in
        guard let weights = unsafe UnsafeRawPointer(bitPattern: UInt(product.weights)),
          let input = unsafe UnsafeRawPointer(bitPattern: UInt(product.input)),
          let output = unsafe UnsafeMutableRawPointer(bitPattern: UInt(product.output))
        else { return -1 }
        var one: Float = 1
        var zero: Float = 0
        // Column by column, as cuBLAS reads: outputᵀ = weights · inputᵀ, weights transposed. 14 is bf16,
        // 68 sums in fp32, 99 the default with tensor cores.
        return unsafe multiply(
          handle, 1, 0, product.columns, product.rows, product.inner, &one, weights, 14,
          product.inner, input, 14, product.inner, &zero, output, 14, product.columns, 68, 99)
      })
  }
}
