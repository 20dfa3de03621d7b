internal import CTorch

/// Runs a closure in which tensors of one value and of random numbers have a shape and an element type, and no elements: a
/// network that is built in it tells the names and shapes of its parameters, and takes neither memory nor time for them.
///
/// Arithmetic with such tensors gives more of them. Reading their elements, or mixing them with others, traps. Parameters
/// that are made so take the values of others afterwards, on the processor.
///
/// The mode belongs to the thread; the closure is therefore not asynchronous.
package func withoutElements<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ctorch_outlining()
  ctorch_set_outlining(true)
  defer { ctorch_set_outlining(before) }
  return try body()
}
