internal import KernelSelection

/// How much slower or faster an engine ran its kernels than their timing says, by size of launch.
///
/// A recording shows it for the kernels that it ran. Where in memory the KV blocks of an engine lie, and
/// which SMs its CTAs share, differs from launch to launch by a few percent, and no model of the kernel
/// knows; so what is left of a recorded step belongs to its kernel, not to what all kernels share.
public struct KernelPace: Hashable, Sendable {
  /// The factor of one variant at one size of launch.
  struct Entry: Hashable, Sendable {
    var variant: KernelVariant
    var launch: LaunchSize
    var factor: Double
  }

  private var entries: [Entry]

  /// Every kernel runs as its timing says.
  public static let asTimed = KernelPace([])

  init(_ entries: [Entry]) { self.entries = entries }

  /// Factors of a variant, by size of launch.
  func factors(of variant: KernelVariant) -> [(launch: LaunchSize, factor: Double)] {
    entries.filter { $0.variant == variant }.map { (launch: $0.launch, factor: $0.factor) }
  }
}

/// A size of launch for which steps are averaged: by padded tokens for one graph, by tiles of tokens for
/// steps in pieces.
struct LaunchSize: Hashable, Comparable, Sendable {
  let isGraph: Bool
  let tokens: Int

  init(_ launch: StepLaunch) {
    isGraph = launch.isFullGraph
    tokens = isGraph ? launch.tokens : RestOfStep.roundedToTile(launch.tokens)
  }

  static func < (a: Self, b: Self) -> Bool {
    a.isGraph == b.isGraph ? a.tokens < b.tokens : a.isGraph
  }
}
