internal import CCUDADriver
internal import TraceModel

/// The driver with every call checked: the second layer, under the owned objects.
///
/// Belongs to the thread that made it, as a CUDA context does; it is not `Sendable`. A failure names
/// the call, the driver's words for it and the work in whose scope it happened (`labelled`).
public final class CUDADriver {
  let functions: CUDAFunctions

  /// Failures while objects were released, which a `deinit` cannot throw; the first few of them.
  public private(set) var releaseFailures: [CUDAError] = []

  /// Names the present scope; a closure, so that names are put together only for failures.
  private var label: (() -> String)?

  /// Initialises the driver behind a table of functions.
  public init(functions: CUDAFunctions) throws(CUDAError) {
    self.functions = functions
    try check("cuInit", functions.cuInit(0))
  }

  /// Opens and initialises the machine's driver.
  public convenience init(path: String = CUDAFunctions.libraryPath) throws(CUDAError) {
    try self.init(functions: CUDAFunctions.load(path: path))
  }

  /// Runs `body`; failures in it bear the label.
  ///
  /// An inner label replaces an outer one.
  /// The GPU works later than it is told to: synchronise within the scope, or a kernel's failure is
  /// laid at the next scope's door.
  public func labelled<Result: ~Copyable, Failure: Error>(
    _ label: @autoclosure @escaping () -> String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let outer = self.label
    self.label = label
    defer { self.label = outer }
    return try body()
  }

  /// Gives an error the present label.
  func error(_ kind: CUDAError.Kind) -> CUDAError { CUDAError(kind, label: label?()) }

  /// Throws unless a call succeeded.
  @inline(__always)
  func check(_ call: StaticString, _ result: CUresult) throws(CUDAError) {
    if result != 0 { throw failure(of: call, result) }
  }

  /// Keeps the failure of a release, since a `deinit` cannot throw it.
  func checkRelease(_ call: StaticString, _ result: CUresult) {
    guard result != 0, releaseFailures.count < CUDALimits.releaseFailuresMax else { return }
    releaseFailures.append(failure(of: call, result))
  }

  @inline(never)
  func failure(of call: StaticString, _ result: CUresult) -> CUDAError {
    error(
      .call(
        "\(call)", code: CUDAErrorCode(result),
        name: unsafe words(for: result, functions.cuGetErrorName) ?? "unknown error",
        explanation: unsafe words(for: result, functions.cuGetErrorString) ?? "no explanation"))
  }

  private func words(
    for result: CUresult,
    _ function: (CUresult, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> CUresult
  ) -> String? {
    var text: UnsafePointer<CChar>?
    guard unsafe function(result, &text) == 0, let text = unsafe text else { return nil }
    return unsafe String(cString: text)
  }
}

extension CUDADriver {
  /// The CUDA version that the driver supports, such as `13.0`.
  public func version() throws(CUDAError) -> String {
    var version: Int32 = 0
    try check("cuDriverGetVersion", unsafe functions.cuDriverGetVersion(&version))
    return "\(version / 1000).\(version % 1000 / 10)"
  }

  /// How many GPUs this process may use.
  public func deviceCount() throws(CUDAError) -> Int {
    var count: Int32 = 0
    try check("cuDeviceGetCount", unsafe functions.cuDeviceGetCount(&count))
    return Int(count)
  }
}
