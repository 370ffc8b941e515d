internal import CFuzzer
internal import Glibc

/// Runs libFuzzer on a reader of bytes until its time is up or it finds something.
///
/// Anything but a value or an error is a find.
public enum Fuzzing {
  nonisolated(unsafe) private static var body: (([UInt8]) -> Void)?

  /// Never returns; takes libFuzzer's own options from the command line.
  public static func run(_ body: @escaping ([UInt8]) -> Void) -> Never {
    unsafe Self.body = body
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      unsafe CommandLine.unsafeArgv
    exit(
      unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
        unsafe Fuzzing.body?(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      })
  }
}
