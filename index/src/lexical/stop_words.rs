//! Function words of the languages, and those that questions are put with, in lower case: words that
//! say so little that a query which holds others is better off without them.

pub(super) const ENGLISH: &str = "a about above after again against all am an and any are as at \
    be because been before being below between both but by can could did do does doing down \
    during each few for from further had has have having he her here hers herself him himself \
    his how i if in into is it its itself just me more most my myself no nor not now of off on \
    once only or other ought our ours ourselves out over own same she should so some such than \
    that the their theirs them themselves then there these they this those through to too under \
    until up very was we were what when where which while who whom why will with would you your \
    yours yourself yourselves";

pub(super) const CATALAN: &str = "a al als amb aquell aquella aquest aquesta aquests aquestes \
    això com de del dels des el els em en entre era eren es és et fins ha han he hem hi ho i jo \
    la les li lo me més meu meva mi molt no nosaltres o on per perquè però podem poden pot què \
    qual quals quan quant qui que se sense ser seu seus seva seves si sí sobre són també te \
    tenen té tot tota tots totes tu un una unes uns vaig va van vostè";

pub(super) const CZECH: &str = "a aby ale ani ano až bez bude budou by byl byla byli bylo být \
    co či do ho i já jak jaká jaké jaký je jeho jej její jejich jemu jen ještě jí jim jsem jsi \
    jsme jsou jste k kam kde kdo kdy když ke kolik která které který kteří má mají mezi mi mne \
    mně mohu musí může můžu my na nad nám nás ne nebo než ni nic o od on ona oni ono po pod \
    podle pro proč proto před při s se si tak také tam ten tento této to tom tomu tu ty u v vám \
    vás ve však vy z za ze že";

pub(super) const DANISH: &str = "af al alle at blev blive bliver da de dem den denne der deres \
    det dette dig din disse du efter eller en end er et for fordi fra få får før gør ham han \
    hans har have havde hende hendes her hos hun hvad hvem hver hvilke hvilken hvilket hvis \
    hvor hvordan hvorfor hvornår i ikke ind jeg jer kan kunne man mange med meget men mig min \
    mod må når ned nogle nogen noget nu og også om op os over på sig sin sine skal skulle som \
    til ud under var ved vi vil ville vores være";

pub(super) const DUTCH: &str = "aan al alle als andere bij dan dat de deze die dit doen door \
    dus een en er ge geen haar had hadden heb hebben heeft hem het hier hij hoe hoeveel hun ik \
    in is ja je jij jou jouw kan kon kunnen maar me meer men met mij mijn moet moeten mogen mag \
    na naar niet niets nog nu of om omdat ons onze ook op over te ten ter tot u uit uw van veel \
    voor waar waarom wanneer waren was wat we wel welk welke werd wie wij wil willen word \
    worden wordt zal ze zelf zich zij zijn zo zonder zou zullen";

pub(super) const FINNISH: &str = "ei eivät emme en et ette että he heidän heitä hän hänen häntä \
    ilman ja jo joka jos jossa jotka jota joiden jonka kanssa ketä kenen koska kuin kuinka kuka \
    kun me mihin mikä mikäli miksi millainen millä milloin minkä minä missä mistä mitkä mitä \
    mukaan mutta myös ne niiden niin niitä nyt nämä näiden näitä ole olen olet olemme olette \
    oli olivat olla on ovat onko paljonko saa se sekä sen siinä siitä sinä sitä tai te tämä \
    tämän tässä tätä tästä vai vaikka vain voi voiko voivat";

pub(super) const FRENCH: &str = "à afin ai alors après as au aucun aucune aux avant avec avez \
    avons avoir ça ce ceci cela celle celles celui ces cet cette ceux chaque chez ci comme \
    comment combien contre dans de depuis des doit doivent donc dont du durant elle elles en \
    entre es est et étaient était été être eu eux fait faut il ils je jusque la là laquelle le \
    lequel les lesquelles lesquels leur leurs lors lorsque lui ma mais me même mêmes mes moi \
    moins mon ne ni non nos notre nous on ont ou où par parce pas pendant peu peut peuvent plus \
    pour pourquoi puis qu quand que quel quelle quelles quels qui quoi sa sans se sera seront \
    ses si soit sommes son sont sous suis sur ta te tes toi ton tous tout toute toutes très tu \
    un une vers vos votre vous y";

pub(super) const GERMAN: &str = "ab aber alle allem allen aller alles als also am an andere \
    anderen anderer anderes auch auf aus bei beim bin bis bist da dabei dafür damit dann daran \
    darauf daraus darf das dass daß dazu dein deine dem den denn der deren des dessen die dies \
    diese diesem diesen dieser dieses doch dort du durch dürfen ein eine einem einen einer \
    eines er es etwas euch euer für gegen gibt habe haben hat hatte hatten hier hin ich ihm ihn \
    ihnen ihr ihre ihrem ihren ihrer ihres im in ins ist ja jede jedem jeden jeder jedes jene \
    kann kein keine keinem keinen keiner können könnte man mein meine mich mir mit muss müssen \
    muß nach nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seines \
    seit sich sie sind so sobald soll sollen sollte sondern sonst über um und uns unser unsere \
    unter vom von vor wann war waren warum was weil welche welchem welchen welcher welches wem \
    wen wenn wer werde werden weshalb wessen wie wieso wieviel viel viele wieder will wir wird \
    wo wofür woher wohin womit worden woran worauf wozu würde würden wurde wurden zu zum zur \
    zwischen";

pub(super) const GREEK: &str = "αλλά αν από αυτά αυτές αυτή αυτό αυτοί αυτός για δεν διότι εάν \
    εγώ είμαι είναι είχε εκείνο εκείνος ένα ένας εσύ έχει έχουν ή η ήταν θα και κατά κάθε κι \
    μας με μετά μέχρι μη μην μια μία μου να ο όπως όταν ότι οι όμως πιο ποια ποιες ποιο ποιοι \
    ποιος ποιους πόσα πόσο πόσοι πότε που πού προς πρέπει πριν πώς πως σαν σας σε σου στα στη \
    στην στις στο στον στους στων τα τη την της τι τις το τον του τους των ως";

pub(super) const HUNGARIAN: &str = "a abban ahhoz ahogy aki akik akkor alatt amely amelyek ami \
    amikor amit annak arra arról az azok azon azt azzal át be benne bár csak de e egy egyes \
    egyik ebben ehhez ennek erre ez ezek ezt ezzel és fel ha hanem hogy hogyan hol hová honnan \
    i igen ill illetve is itt jó kell ki kik kinek kit között le lehet lesz lett meg mely \
    melyek melyik mennyi mert mi miért mik mikor milyen mint mit mivel most nagyon ne nekem \
    neki nem nincs olyan ott ő ők össze pedig s saját sem se só számára szerint ti te után úgy \
    vagy vagyok van vannak volna volt voltak";

pub(super) const ITALIAN: &str = "a ad agli ai al alla alle allo anche avere aveva avevano c \
    che chi ci ciò coi col come con contro cosa cui da dagli dai dal dalla dalle dallo degli \
    dei del della delle dello deve devono di dopo dove e è ed entro era erano essere fino fra \
    gli ha hai hanno ho i il in io la le lei li lo loro lui ma me mi mia mie miei mio ne negli \
    nei nel nella nelle nello no noi non nostra nostri nostro o ogni ove per perché però più \
    può possono qual quale quali quando quanta quante quanti quanto quella quelle quelli quello \
    questa queste questi questo qui se sei senza si sia siamo sono sopra sotto sta stata stati \
    stato su sua sue sugli sui sul sulla sulle sullo suo suoi tra tu tua tuo tutte tutti tutto \
    un una uno vi voi";

pub(super) const NORWEGIAN: &str = "alle at av både ble bli blir bort da de dem den denne dere \
    deres det dette di din disse du eller en enn er et etter for fordi fra før få får ha hadde \
    han hans har hennes henne her hos hun hva hvem hver hvilke hvilken hvilket hvis hvor \
    hvordan hvorfor i ikke inn jeg kan kunne man mange med meg meget men min mitt mot mye må \
    ned noe noen nå når og også om opp oss over på seg sin sine sitt skal skulle slik som til \
    ut uten under var ved vi vil ville våre vår være vært";

pub(super) const POLISH: &str = "a aby albo ale ani bez bo być był była było były co czy czyli \
    dla do gdy gdzie go i ich ile im inne inny iż ja jak jaka jakie jaki jakich jakiej jako je \
    jego jej jemu jest jestem jeszcze jeśli jeżeli już każdy każda kiedy kto która które \
    którego której który którym których którzy ku lub ma mają mi mnie może mogą można musi my \
    na nad nam nas nasz nie nic niech nim nimi niż o od on ona one oni ono oraz po pod podczas \
    ponieważ przed przez przy są się skąd swoje swój ta tak także tam te tego tej ten to tu \
    twój ty tych tylko tym u w wam was wasz we więc wszystko wy z za ze że";

pub(super) const PORTUGUESE: &str = "a à ainda ao aos aquela aquelas aquele aqueles aquilo as \
    às até com como contra da das de dela dele deles depois deve devem do dos e é ela elas ele \
    eles em entre era eram essa essas esse esses esta está estão estas este estes eu foi foram \
    há isso isto já lhe lhes mais mas me mesmo meu meus minha minhas muito na não nas nem no \
    nos nós nossa nosso num numa o onde os ou para pela pelas pelo pelos por porque porquê pode \
    podem qual quais quando quanta quantas quanto quantos que quê quem se seja sem ser será seu \
    seus só sob sobre são sua suas também te tem têm ter teu tinha tu tua tudo um uma você \
    vocês";

pub(super) const ROMANIAN: &str = "a acea aceasta această aceea acei acel acest acesta acestea \
    aceste acești acestui ai aici al ale am ar are au aș asupra ați avea ca câți cât câte care \
    cărei cărui ce cei cel cele ci cine cu cum când că da dacă dar de decât deci despre din \
    dintre după e ea ei el ele era este eu fără fi fie fost i iar îi îl în între își la le li \
    lor lui mai mă mea meu mi nu ne nici noi nostru o ori pe pentru peste până prin sa sale sau \
    să se și sub sunt te toate tot toți tu un una unde unei unor unui va vă vei vor voi";

pub(super) const RUSSIAN: &str = "а без более будет будут бы был была были было быть в вам вас \
    ваш весь во вот все всё всех вы где да для до его её ее если есть ещё еще же за зачем здесь \
    и из или им их к как какая какие каким каких какого какой каков какова каковы какую когда \
    кого ком кому которая которого которое которой котором которые который которых кто куда ли \
    либо между меня мне может могут можно мой моя мы на над нам нас наш не него нее неё нельзя \
    нет ни них но нужно ну о об однако он она они оно от откуда перед по под после потому \
    почему при про с сам свой свои себя сколько со так также такой там тебя тем то того тоже \
    той только том тот ту ты у уже чего чей чем через что чтобы чье чья эта эти этих это этого \
    этой этом этот эту я";

pub(super) const SPANISH: &str = "a al algo alguna algunas alguno algunos ante antes aquel \
    aquella aquello aquellos así aún bajo cada como cómo con contra cual cuál cuales cuáles \
    cualquier cuando cuándo cuanta cuánta cuántas cuanto cuánto cuántos de debe deben del desde \
    donde dónde durante e el él ella ellas ellos en entre era eran es esa esas ese eso esos \
    esta está están estas este esto estos fue fueron ha hace han hasta hay he la las le les lo \
    los más me mi mí mientras mis mucho muy nada ni no nos nosotros nuestra nuestro o os otra \
    otras otro otros para pero poco por porque pues puede pueden que qué quien quién quienes \
    quiénes se sea según ser si sí sido sin sobre son su sus también tanto te tiene tienen todo \
    todos toda todas tras tu tú tus u un una unas uno unos usted ustedes y ya yo";

pub(super) const SWEDISH: &str = "alla allt att av blev bli blir både de dem den denna deras \
    dess dessa det detta dig din du där efter ej eller en er ett för från få får genom göra gör \
    ha hade han hans har henne hennes hon hos hur i icke in ingen inom inte jag kan kunde man \
    med mellan men mig min mitt mot mycket måste ni nu när någon något några och om oss på \
    samma sedan sig sin sina sitt ska skall skulle som så till under upp ur ut utan vad var \
    varför varje vars vart vem vi vid vilka vilken vilket vill är år över";

pub(super) const TURKISH: &str = "acaba ama ancak bana bazı belki ben beni bir biri biz bizim \
    bu buna bunda bundan bunlar bunu bunun çok çünkü da daha de değil diye en gibi göre hangi \
    hangisi hem hep her hiç için ile ise kaç kadar kendi ki kim kime kimin mi mı mu mü nasıl ne \
    neden nedir nerede nereye niçin niye o olan olarak olur olduğu on ona onlar onu onun sen \
    siz sonra şey şu şunu tarafından tüm var ve veya ya yani yok";
