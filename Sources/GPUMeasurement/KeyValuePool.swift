internal import CUDADriver
internal import TraceModel

/// Device memory that several places refer to.
final class DeviceMemory {
  let buffer: CUDADeviceBuffer
  var bytes: Int { Int(buffer.size.rawValue) }

  init(bytes: Int, in context: borrowing CUDAContext) throws(CUDAError) {
    buffer = try CUDADeviceBuffer(ByteCount(Int64(bytes)), in: context)
  }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): contents and block tables are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The paged cache that all measurements share: random contents, blocks handed out in random order.
///
/// Grows to the largest batch; where memory does not allow what is wanted, it takes what it can.
final class KeyValuePool {
  private let contents: CUDAPinnedBuffer
  private(set) var memory: DeviceMemory?
  private(set) var blockBytes = 0
  /// Block numbers in the order in which they are handed out.
  private(set) var order: [Int32] = []
  /// The least size that could not be had.
  private var refused = Int.max

  /// Blocks that a kernel's offsets reach; the rest of the memory is not handed out.
  var addressableBlocks = Int(Int32.max) {
    didSet {
      if order.count > addressableBlocks, let memory {
        setOrder(bytes: memory.bytes, blockBytes: blockBytes)
      }
    }
  }

  var blocks: Int { order.count }

  init(in context: borrowing CUDAContext) throws(CUDAError) {
    contents = try CUDAPinnedBuffer(
      ByteCount(Int64(GPUMeasurementLimits.contentsBytes)), in: context)
    var generator = SeededGenerator(seed: 0x5245_5052_4953_45)
    contents.withBytes { span in
      for place in 0..<span.byteCount / 8 {
        // Four bf16: any sign and mantissa, magnitudes from 2⁻⁴ to 1. All are finite.
        let bits = generator.next()
        let signs = bits & 0x807F_807F_807F_807F
        let exponents = (bits & 0x0180_0180_0180_0180) &+ 0x3D80_3D80_3D80_3D80
        span.storeBytes(of: signs | exponents, toByteOffset: 8 * place, as: UInt64.self)
      }
    }
  }

  /// Fills memory with random finite numbers.
  func fill(
    _ memory: DeviceMemory, on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    var offset = 0
    while offset < memory.bytes {
      let count = min(GPUMeasurementLimits.contentsBytes, memory.bytes - offset)
      try memory.buffer.enqueueWrite(from: contents, count: count, at: offset, on: stream)
      offset += count
    }
    try stream.synchronize()
  }

  /// Makes room for `wanted` blocks, or for as many as memory allows, but at least `least`.
  ///
  /// Throws the driver's `outOfMemory` where not even those fit.
  func reserve(
    wanted: Int, least: Int, blockBytes: Int, in context: borrowing CUDAContext,
    on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    if self.blockBytes != blockBytes, let memory {
      setOrder(bytes: memory.bytes, blockBytes: blockBytes)
    }
    if blocks >= wanted || (blocks >= least && wanted * blockBytes >= refused) { return }
    let old = memory?.bytes ?? 0
    memory = nil
    order = []
    var size = max(wanted * blockBytes, 2 * old)
    while true {
      if let taken = try memory(ofBytes: size, orNothing: size > least * blockBytes, in: context) {
        try fill(taken, on: stream)
        memory = taken
        setOrder(bytes: size, blockBytes: blockBytes)
        return
      }
      if size <= wanted * blockBytes { refused = min(refused, size) }
      // First what is wanted now, then ever less of it.
      let smaller = size > wanted * blockBytes ? wanted * blockBytes : size / 4 * 3
      size = max(least * blockBytes, smaller)
    }
  }

  /// Memory of a size; `nil` where there is too little and that may be.
  private func memory(
    ofBytes size: Int, orNothing: Bool, in context: borrowing CUDAContext
  ) throws(CUDAError) -> DeviceMemory? {
    do throws(CUDAError) {
      return try DeviceMemory(bytes: size, in: context)
    } catch {
      guard orNothing, Self.isOutOfMemory(error) else { throw error }
      return nil
    }
  }

  // Never inlined: Swift 6.3.1's optimiser ends with an ownership error over it in a catch clause.
  @inline(never)
  private static func isOutOfMemory(_ error: CUDAError) -> Bool {
    if case .outOfMemory = error.kind { true } else { false }
  }

  private func setOrder(bytes: Int, blockBytes: Int) {
    self.blockBytes = blockBytes
    order = Array(0..<Int32(clamping: min(bytes / blockBytes, addressableBlocks)))
    var generator = SeededGenerator(seed: 1)
    order.shuffle(using: &generator)
  }
}
