<?php
/**
 * WordPress's own wp_mail() is the yardstick: same mail, same hooks, same answer.
 */

namespace Postreeve\Tests;

use Postreeve\Contract\Contract;

final class FidelityTest extends Site_Test_Case {

	/**
	 * @dataProvider calls
	 */
	public function test_a_mail_is_what_core_would_have_sent( array $call ): void {
		$contract = new Contract( require dirname( __DIR__ ) . '/contract/postreeve.php' );

		list( $wanted, $found ) = $contract->both( $call );

		$this->assertSame( $wanted['hooks'], $found['hooks'], 'Each hook fires as often as in core, in the same order, with the same arguments.' );
		$this->assertSame( $wanted['answer'], $found['answer'] );
		$this->assertSame( $wanted['mails'], $found['mails'] );
	}

	/**
	 * @dataProvider calls
	 */
	public function test_and_a_reader_sees_the_same( array $call ): void {
		$contract = new Contract( require dirname( __DIR__ ) . '/contract/postreeve.php', true );

		list( $wanted, $found ) = $contract->both( $call );

		$this->assertSame( $wanted['mails'], $found['mails'] );
	}

	public function calls(): array {
		$calls = array();
		foreach ( Contract::calls() as $name => $call ) {
			$calls[ $name ] = array( $call );
		}
		return $calls;
	}

	public function test_there_are_forty_calls(): void {
		$this->assertGreaterThanOrEqual( 40, count( Contract::calls() ) );
	}

	public function test_succeeded_gets_cores_own_data(): void {
		$seen = array();
		add_action(
			'wp_mail_succeeded',
			function ( $data ) use ( &$seen ) {
				$seen[] = $data;
			}
		);

		wp_mail( 'ada@x.example', 'Hello', 'Text', 'X-One: 1', array( __FILE__ ) );

		$this->assertCount( 1, $seen );
		$this->assertSame( array( 'ada@x.example' ), $seen[0]['to'] );
		$this->assertSame( array( 'Hello', 'Text' ), array( $seen[0]['subject'], $seen[0]['message'] ) );
		$this->assertSame( array( 'X-One' => '1' ), $seen[0]['headers'] );
		$this->assertSame( array( __FILE__ ), $seen[0]['attachments'] );
	}
}
