// swift-tools-version: 6.3
import PackageDescription

// Measures the built program from outside, so it depends on nothing of the package around it.
let package = Package(
  name: "benchmarks",
  targets: [.executableTarget(name: "Benchmarks", swiftSettings: [.strictMemorySafety()])],
  swiftLanguageModes: [.v6])
