// Opens one session. The secret comes in the fragment, which no browser sends, and leaves the address at once.
import RFB from '/novnc/core/rfb.js';

const said = document.getElementById('said');
const session = new URLSearchParams(location.search).get('session') || '';
const secret = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
document.title = `${session} · Kunlun`;

const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
const address = `${scheme}://${location.host}/connect?session=${encodeURIComponent(session)}`;
const screen = new RFB(document.getElementById('screen'), address, { wsProtocols: ['binary', `kunlun.${secret}`] });
screen.scaleViewport = true;
screen.addEventListener('connect', () => { said.textContent = ''; document.body.dataset.state = 'open'; });
screen.addEventListener('disconnect', (event) => {
  document.body.dataset.state = 'closed';
  said.textContent = event.detail.clean
    ? '云桌面已关闭。 The desktop is closed.'
    : '云桌面未能打开或已断开，请重新运行。 Not (or no longer) open: run `kubectl kunlun desktop open` again.';
});
