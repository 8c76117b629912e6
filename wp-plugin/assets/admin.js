/* Copy buttons. Without this file, values can be selected and copied by hand. */
( function () {
	'use strict';

	if ( ! navigator.clipboard ) {
		return;
	}
	var status = document.getElementById( 'postreeve-copied' );
	document.querySelectorAll( '.postreeve-copies' ).forEach( function ( button ) {
		var label = button.textContent;
		button.hidden = false;
		button.addEventListener( 'click', function () {
			navigator.clipboard.writeText( button.dataset.copy ).then( function () {
				button.textContent = button.dataset.done;
				if ( status ) {
					status.textContent = button.dataset.done + ': ' + button.dataset.copy;
				}
				setTimeout( function () {
					button.textContent = label;
				}, 2000 );
			} );
		} );
	} );
}() );
