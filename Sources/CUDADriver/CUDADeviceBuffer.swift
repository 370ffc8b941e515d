internal import CCUDADriver
public import TraceModel

/// Memory on the GPU, freed with this value.
@safe public struct CUDADeviceBuffer: ~Copyable {
  let lifetime: ContextLifetime
  /// Its address on the GPU, as kernels take it.
  public let address: UInt64
  /// Its size.
  public let size: ByteCount

  /// Allocates at least one byte; contents are whatever was there before.
  ///
  /// Throws `outOfMemory` with what was wanted and what is free.
  public init(_ size: ByteCount, in context: borrowing CUDAContext) throws(CUDAError) {
    precondition(size.rawValue > 0, "a device buffer of \(size.rawValue) bytes")
    let driver = context.driver
    var address: UInt64 = 0
    let result = unsafe driver.functions.cuMemAlloc_v2(&address, Int(size.rawValue))
    if CUDAErrorCode(result) == .outOfMemory {
      throw driver.error(
        .outOfMemory(call: "cuMemAlloc_v2", wanted: size, free: try? driver.memory().free))
    }
    try driver.check("cuMemAlloc_v2", result)
    lifetime = context.lifetime
    self.address = address
    self.size = size
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuMemFree_v2", driver.functions.cuMemFree_v2(address))
  }

  private func checkBounds(_ offset: Int, _ count: Int) throws(CUDAError) {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard offset >= 0, count >= 0, !overflow, end <= Int(size.rawValue) else {
      throw lifetime.driver.error(.outOfBounds(offset: offset, count: count, size: size))
    }
  }
}

// Copies that are over when the call returns.
extension CUDADeviceBuffer {
  /// Copies bytes of the host to the buffer, from `offset` on.
  public func write(_ bytes: RawSpan, at offset: Int = 0) throws(CUDAError) {
    try checkBounds(offset, bytes.byteCount)
    guard !bytes.isEmpty else { return }
    let result = unsafe bytes.withUnsafeBytes { source -> Int32 in
      guard let start = source.baseAddress else { return 0 }
      return unsafe lifetime.driver.functions.cuMemcpyHtoD_v2(
        address + UInt64(offset), start, source.count)
    }
    try lifetime.driver.check("cuMemcpyHtoD_v2", result)
  }

  /// Fills `bytes` from the buffer, from `offset` on.
  public func read(
    into bytes: inout MutableRawSpan, at offset: Int = 0
  ) throws(CUDAError) {
    try checkBounds(offset, bytes.byteCount)
    guard !bytes.isEmpty else { return }
    let result = unsafe bytes.withUnsafeMutableBytes { target -> Int32 in
      guard let start = target.baseAddress else { return 0 }
      return unsafe lifetime.driver.functions.cuMemcpyDtoH_v2(
        start, address + UInt64(offset), target.count)
    }
    try lifetime.driver.check("cuMemcpyDtoH_v2", result)
  }

  /// `count` bytes of the buffer, from `offset` on.
  public func bytes(at offset: Int = 0, count: Int) throws(CUDAError) -> [UInt8] {
    try checkBounds(offset, count)
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try read(into: &raw, at: offset)
    return bytes
  }
}

// Work that a stream does in its order, after the call has returned.
extension CUDADeviceBuffer {
  /// Copies from pinned memory, which must stay as it is until the stream has done so.
  public func enqueueWrite(
    from source: borrowing CUDAPinnedBuffer, count: Int, at offset: Int = 0,
    on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    try checkBounds(offset, count)
    try source.checkCount(count)
    try lifetime.driver.check(
      "cuMemcpyHtoDAsync_v2",
      unsafe lifetime.driver.functions.cuMemcpyHtoDAsync_v2(
        address + UInt64(offset), source.address, count, stream.handle))
  }

  /// Copies to pinned memory, which holds the bytes once the stream has done so.
  public func enqueueRead(
    into target: borrowing CUDAPinnedBuffer, count: Int, at offset: Int = 0,
    on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    try checkBounds(offset, count)
    try target.checkCount(count)
    try lifetime.driver.check(
      "cuMemcpyDtoHAsync_v2",
      unsafe lifetime.driver.functions.cuMemcpyDtoHAsync_v2(
        target.address, address + UInt64(offset), count, stream.handle))
  }

  /// Sets every byte of the buffer.
  public func enqueueFill(
    _ byte: UInt8, on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    try lifetime.driver.check(
      "cuMemsetD8Async",
      unsafe lifetime.driver.functions.cuMemsetD8Async(
        address, byte, Int(size.rawValue), stream.handle))
  }

  /// Sets `count` words of 32 bits from `offset` bytes on; `offset` is a multiple of 4.
  public func enqueueFill(
    words value: UInt32, count: Int, at offset: Int = 0, on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 4)
    try checkBounds(offset, overflow ? .max : bytes)
    try lifetime.driver.check(
      "cuMemsetD32Async",
      unsafe lifetime.driver.functions.cuMemsetD32Async(
        address + UInt64(offset), value, count, stream.handle))
  }
}
