internal import CCUDADriver

/// Work for the GPU in one order, destroyed with this value.
@safe public struct CUDAStream: ~Copyable {
  let lifetime: ContextLifetime
  let handle: OpaquePointer

  /// A stream that does not wait for the default stream.
  public init(in context: borrowing CUDAContext) throws(CUDAError) {
    let driver = context.driver
    var stream: OpaquePointer?
    // CU_STREAM_NON_BLOCKING
    try driver.check("cuStreamCreate", unsafe driver.functions.cuStreamCreate(&stream, 1))
    unsafe handle = try driver.handle(stream, from: "cuStreamCreate")
    lifetime = context.lifetime
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuStreamDestroy_v2", unsafe driver.functions.cuStreamDestroy_v2(handle))
  }

  /// Waits until all its work is done; a kernel's failure shows here.
  public func synchronize() throws(CUDAError) {
    try lifetime.driver.check(
      "cuStreamSynchronize", unsafe lifetime.driver.functions.cuStreamSynchronize(handle))
  }

  /// Records what `body` enqueues on this stream as a graph; none of it runs.
  ///
  /// What the graph uses (modules, buffers) must outlive it. A failure in `body` ends the capture, so
  /// that the stream can be used again, and is thrown on.
  public func capture(_ body: () throws(CUDAError) -> Void) throws(CUDAError) -> CUDAGraph {
    let driver = lifetime.driver
    // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: only this thread's unsafe calls are refused meanwhile.
    try driver.check(
      "cuStreamBeginCapture_v2", unsafe driver.functions.cuStreamBeginCapture_v2(handle, 1))
    do {
      try body()
    } catch {
      var unfinished: OpaquePointer?
      // Gives an error of its own where the failure invalidated the capture; the first one counts.
      _ = unsafe driver.functions.cuStreamEndCapture(handle, &unfinished)
      if let unfinished = unsafe unfinished {
        driver.checkRelease("cuGraphDestroy", unsafe driver.functions.cuGraphDestroy(unfinished))
      }
      throw error
    }
    var graph: OpaquePointer?
    try driver.check(
      "cuStreamEndCapture", unsafe driver.functions.cuStreamEndCapture(handle, &graph))
    return unsafe CUDAGraph(
      lifetime: lifetime, handle: try driver.handle(graph, from: "cuStreamEndCapture"))
  }
}

extension CUDADriver {
  /// A handle that a successful call has filled in; a driver that did not is an error, not a trap.
  func handle(
    _ handle: OpaquePointer?, from call: StaticString
  ) throws(CUDAError) -> OpaquePointer {
    guard let handle = unsafe handle else {
      throw failure(of: call, CUDAErrorCode.invalidValue.rawValue)
    }
    return unsafe handle
  }
}
