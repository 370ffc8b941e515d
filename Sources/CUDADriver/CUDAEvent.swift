internal import CCUDADriver
public import TraceModel

/// A point in a stream's work whose time the GPU takes, destroyed with this value.
@safe public struct CUDAEvent: ~Copyable {
  let lifetime: ContextLifetime
  let handle: OpaquePointer

  /// An event that keeps its time.
  public init(in context: borrowing CUDAContext) throws(CUDAError) {
    let driver = context.driver
    var event: OpaquePointer?
    // CU_EVENT_DEFAULT: waiting for it spins, so that the next launch does not wait for a wake-up.
    try driver.check("cuEventCreate", unsafe driver.functions.cuEventCreate(&event, 0))
    unsafe handle = try driver.handle(event, from: "cuEventCreate")
    lifetime = context.lifetime
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuEventDestroy_v2", unsafe driver.functions.cuEventDestroy_v2(handle))
  }

  /// Places it after what the stream has been given so far.
  public func record(on stream: borrowing CUDAStream) throws(CUDAError) {
    try lifetime.driver.check(
      "cuEventRecord", unsafe lifetime.driver.functions.cuEventRecord(handle, stream.handle))
  }

  /// Waits until the GPU has passed it; a kernel's failure shows here.
  public func synchronize() throws(CUDAError) {
    try lifetime.driver.check(
      "cuEventSynchronize", unsafe lifetime.driver.functions.cuEventSynchronize(handle))
  }

  /// GPU time from an earlier event to this one; both have been passed.
  ///
  /// The driver gives milliseconds as a `Float` with a resolution of about half a microsecond, so
  /// repeat what is shorter.
  public func elapsed(since start: borrowing CUDAEvent) throws(CUDAError) -> Nanoseconds {
    var milliseconds: Float = 0
    try lifetime.driver.check(
      "cuEventElapsedTime",
      unsafe lifetime.driver.functions.cuEventElapsedTime(&milliseconds, start.handle, handle))
    guard let time = Nanoseconds(seconds: Double(milliseconds) / 1e3) else {
      throw lifetime.driver.failure(
        of: "cuEventElapsedTime", CUDAErrorCode.invalidValue.rawValue)
    }
    return time
  }
}
