internal import TraceModel

/// Values for one launch, checked one by one against the kernel's signature.
///
/// Each lies in a slot of eight bytes, of which the driver reads as many as the parameter has; the
/// machines that have such GPUs are little-endian, so the value's bytes come first. Make it once and
/// `removeAll()` between launches: nothing is allocated per launch.
public struct KernelArguments {
  private let signature: KernelSignature
  private var slots = InlineArray<96, UInt64>(repeating: 0)
  private var count = 0

  /// No arguments yet for kernels with this signature.
  public init(for signature: KernelSignature) {
    self.signature = signature
  }

  /// Forgets the values.
  public mutating func removeAll() { count = 0 }

  /// Adds an address within a buffer of the GPU, which must outlive the launch.
  public mutating func append(
    _ buffer: borrowing CUDADeviceBuffer, offset: Int = 0
  ) throws(CUDAError) {
    guard offset >= 0, offset < Int(buffer.size.rawValue) else {
      throw CUDAError(.outOfBounds(offset: offset, count: 1, size: buffer.size))
    }
    try append(buffer.address + UInt64(offset), .pointer)
  }

  /// Adds a null pointer, such as for scratch memory that a kernel does not use.
  public mutating func appendNull() throws(CUDAError) { try append(0, .pointer) }

  /// Adds a number of 32 bits.
  public mutating func append(_ value: Int32) throws(CUDAError) {
    try append(UInt64(UInt32(bitPattern: value)), .int32)
  }

  /// Adds a number of 64 bits.
  public mutating func append(_ value: Int64) throws(CUDAError) {
    try append(UInt64(bitPattern: value), .int64)
  }

  /// Adds a single-precision number.
  public mutating func append(_ value: Float) throws(CUDAError) {
    try append(UInt64(value.bitPattern), .float32)
  }

  private mutating func append(
    _ bits: UInt64, _ given: KernelSignature.Parameter
  ) throws(CUDAError) {
    guard count < signature.parameters.count else {
      throw CUDAError(.argument(index: count, expected: "nothing more", given: given.rawValue))
    }
    let expected = signature.parameters[count]
    guard expected == given else {
      throw CUDAError(
        .argument(index: count, expected: expected.rawValue, given: given.rawValue))
    }
    slots[count] = bits
    count += 1
  }

  func checkComplete(
    for signature: KernelSignature, _ driver: CUDADriver
  ) throws(CUDAError) {
    guard signature == self.signature else {
      throw driver.error(.signature("the arguments were made for another kernel"))
    }
    guard count == signature.parameters.count else {
      throw driver.error(
        .argument(index: count, expected: signature.parameters[count].rawValue, given: "nothing"))
    }
  }

  /// Lends the slots' addresses in order, as `cuLaunchKernel` takes them.
  mutating func withAddresses<Result>(
    _ body: (UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Result
  ) -> Result {
    let count = self.count
    var span = slots.mutableSpan
    return unsafe span.withUnsafeMutableBytes { bytes in
      unsafe withUnsafeTemporaryAllocation(
        of: UnsafeMutableRawPointer?.self, capacity: max(1, count)
      ) { addresses in
        for index in 0..<count {
          unsafe addresses.initializeElement(
            at: index, to: unsafe bytes.baseAddress.map { unsafe $0 + 8 * index })
        }
        return unsafe body(addresses.baseAddress)
      }
    }
  }
}
