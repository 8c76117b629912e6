<?php
/**
 * Where a command would have ended the process.
 */

namespace Postreeve\Tests;

final class Halted extends \Exception {
}
