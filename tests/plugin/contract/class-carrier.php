<?php
/**
 * A mailer under test, as the contract sees it.
 */

namespace Postreeve\Contract;

interface Carrier {

	/**
	 * From here on, the mailer under test gets the site's mail.
	 */
	public function install(): void;

	/**
	 * From here on, core does.
	 */
	public function remove(): void;

	/**
	 * What it was about to send since the last call: each `mime` (the bytes) and `to` (the addresses).
	 */
	public function taken(): array;
}
