"""The words that the patterns of `text_scrub` are built from: months, titles, names, and no names.

Alternatives of a pattern stand between bars, sets of words in lower case. Given names are
common ones of several languages; a name that is a word of clinics too ("Grace", "May", "Mark") is
left out, since it would be taken out where it names nobody.
"""

from __future__ import annotations

MONTHS = (
    "january february march april may june july august september october november december".split()
)
MONTHS_SHORT = "jan feb mar apr jun jul aug sept sep oct nov dec".split()
HOLIDAYS = (
    "christmas eve|christmas day|boxing day|new year's eve|new year's day|new year's|thanksgiving|"
    "easter sunday|easter monday|good friday|independence day|labor day|labour day|memorial day|"
    "halloween|hallowe'en|valentine's day|mother's day|father's day|veterans day|bonfire night|"
    "ash wednesday|hanukkah|ramadan|diwali|christmas|easter"
).split("|")
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth".split()
)
NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred oh".split()
)
TITLES = r"Dr|DR|Mr|MR|Mrs|MRS|Ms|MS\.|Mx|Miss|MISS|Prof|PROF|Rev|Sgt|Capt"  # MS: a drug, a disease
TITLES_IN_WORDS = (
    "Professor|Doctor|DOCTOR|doctor|Mister|Nurse|NURSE|Sister|Reverend|Father|Rabbi|Imam|Sir|Lady|"
    "Dame|Officer|Matron"
)
DEGREES = (
    r"M\.?D\.?|R\.?N\.?|D\.?O\.?|N\.?P\.?|P\.?A\.?(?:-C)?|Ph\.?D\.?|MBBS|MBChB|MRCP|MRCS|FRCP|FRCS|"
    r"FACC|FACS|MPH|MSN|BSN|APRN|ARNP|FNP|CRNA|CNM|CNA|LPN|LVN|LCSW|MSW|PharmD|DPT|OTR|RPSGT|RVT|"
    r"RDCS|RRT|RD|EMT(?:-[BP])?|DDS|DMD|DPM|PsyD|SLP|CDE|CGC|RT|FY[12]|SHO|SpR|ST\d|CT\d|MS"
)
RELATIVES = (  # alternatives of a pattern, none with alternatives inside
    "wife|husband|spouse|partner|fianc[ée]e?|girlfriend|boyfriend|daughters?|sons?|child|mother|"
    "mom|mum|father|dad|brothers?|sisters?|siblings?|grandmother|grandfather|great-grandmother|"
    "great-grandfather|granddaughter|grandson|aunt|uncle|niece|nephew|cousin|stepson|"
    "stepdaughter|stepmother|stepfather|daughter-in-law|son-in-law|mother-in-law|father-in-law|"
    "friend|roommate|flatmate|neighbou?r|carer|caregiver|companion|guardian|twin"
)
RELATIVES_OF_SEVERAL = "daughters|sons|brothers|sisters|siblings|parents|children|twins|friends"
ROLES = (
    "attending|fellow|resident|intern|registrar|consultant|surgeon|assistant|ana?esthetist|"
    "ana?esthesiologist|radiologist|pathologist|cardiologist|neurologist|oncologist|dentist|"
    "hygienist|hyg|physician|prescriber|clinician|counsell?or|coordinator|therapist|pharmacist|"
    "midwife|doula|chaplain|interpreter|translator|scribe|technician|technologist|tech|operator|"
    "supervisor|adjuster|secretary|caller|witness|case manager|social worker|proband|student"
)
LABELS = (
    r"patient|pt|patient name|pt name|name|full name|surname|last name|first name|alias|aka|"
    r"a\.k\.a\.|signed|sig|signature|dictated|client|employee|author|provider|ana?esthesia|referring|"
    r"referred by|pcp|gp|next of kin|nok|poa|contact"
)
WEAK_LABELS = "re|cc|to|from|attn|attention|res|team|subject"  # of more than persons
GREETINGS = (
    "dear|hi|hello|thanks|thank you|regards|yours|yours sincerely|yours faithfully|sincerely|"
    "consent from|given to|handed to|letter to|report to"
)
CLINICAL_ENDINGS = tuple(
    "ologist ology ician iatrist iatry otomy ectomy ostomy itis osis aemia emia pathy plasty scopy "
    "graphy algia uria oma iasis ism phrenia lepsy cillin mycin azole statin "
    "sartan olol idine".split()
)
ACTS_BY = (
    "|".join(
        f"{act} by"
        for act in (
            "signed dictated seen reviewed authored referred escorted read performed interpreted "
            "transcribed taken administered assisted accompanied brought driven ordered witnessed "
            "verified counsell?ed taught examined relieved chaired injected reported assessed "
            "collected entered prepared approved cosigned co-signed supervised called transported "
            "received consented typed attended goes"
        ).split()
    )
    + "|brought in by|dictating on|alias"
)
ACTS_WITH = (
    "|".join(
        f"{act} {with_}"
        for act in (
            "spoke spoken speaking discussed discuss talked lives living lived stays staying met "
            "consulted conferred reviewed seen"
        ).split()
        for with_ in ("with", "to")
    )
    + "|d/w|w/"
)
COMMON_GIVEN = frozenset(
    """
    aaron abdul abigail abraham adam adrian agnes ahmed aisha alan albert alejandro alex
    alexander alexandra alexis alfred ali alice alicia alison amanda amelia amina amir amy ana
    anastasia andre andrea andreas andrew andy angela angelica anita anjali ann anna anne
    annette anthony antonio arthur arun ashley astrid audrey barbara barry beatrice ben benjamin
    bernadette bernard beth betty beverly bill billy bob bonnie bradley brandon brenda brian
    bridget bruce bryan caitlin carl carla carlos carmen carol carole caroline carolyn catherine
    cecilia charles cheryl chloe chris christian christina christine christopher claire clara
    clarence claude claudia colin connor craig cynthia daisy daniel daniela danielle darren
    david deborah debra denis denise dennis derek diana diane diego dimitri dmitri dominic
    donald donna doris dorothy douglas duncan dylan edgar edith eduardo edward edwin eileen
    elaine eleanor elena eli elisabeth elizabeth ella ellen elsie emily emma enrique eric erica
    erik erin ernest esther ethan eugene eva evan evelyn farah fatima fernando fiona frances
    francesca francis francisco frank franz fred frederick gabriel gabriela gareth gary gemma
    geoffrey george gerald gerard gina giovanni giulia gladys gloria gordon graham greg gregory
    guillermo gustavo hannah hans harold harriet harry hassan hazel heather hector heidi helen
    helena henry herbert hiroshi holly howard hugo ian ibrahim ingrid irene isaac isabel
    isabella ivan jack jackie jacob jacqueline jake james jamie jan jane janet janice jason
    javier jean jeff jeffrey jennifer jeremy jerome jerry jesse jessica jesus jill jim joan
    joanna joanne joe joel johan johanna john johnny jon jonas jonathan jordan jorge jose joseph
    josephine joshua juan juanita judith judy julia julian julie justin kamal karen karl
    katarina kate katherine kathleen kathryn katie keith kelly kenneth kevin khadija kimberly
    kumar kyle lakshmi larry laura lauren laurence lawrence leah leila leo leon leonard leslie
    liam lillian linda lindsay lisa lois lorenzo lorraine louis louise lucas lucia lucy luis
    luke lydia mabel magdalena malcolm manuel marcel marco marcus margaret maria mariam marian
    marie marilyn marina mario marion marjorie marta martha martin martina marvin mary mateo
    matteo matthew maureen maurice max megan mehmet melanie melissa mia michael michelle miguel
    mike mildred mohamed mohammad mohammed moira monica muhammad nadia nancy naomi natalia
    natalie natasha nathan nathaniel neil nicholas nicole nigel nikolai nina noah nora norma
    norman olga oliver olivia omar oscar pablo pamela patricia patrick paul paula pauline pedro
    peggy penelope peter phil philip phillip phyllis pierre priya rachel rafael rahul raj ralph
    ramon randy raul raymond rebecca ricardo richard rita robert roberta roberto rodney roger
    roland ronald rosa rosemary ross roy russell ruth ryan sally salma sam samantha samuel
    sandra sanjay sara sarah scott sean sebastian sergei sergio shannon sharon sheila shirley
    simon sofia sonia sophia sophie stacy stanley stefan stella stephanie stephen steve steven
    stuart susan suzanne sven sylvia tamara tanya tara tatiana ted teresa terry theodore theresa
    thomas tiffany tim timothy tina todd tom tomas tony tracy travis tyler ursula valerie
    vanessa veronica vera victoria vijay vincent viola violet vivian vladimir walter wanda wayne
    wendy wilfred wilhelm william winston xavier yolanda yosef youssef yuki yusuf yvonne zachary
    zainab zoe
    """.split()
)
PARTICLES = (
    r"van der|van den|van de|van|von der|von|vom|zu|de la|de los|de las|de|del|della|di|da|dos|do|"
    r"du|la|le|el|al|bin|ibn|ben|ter|ten|af|av|st\.?"
)
EPONYM = (  # what follows a name that is a sign's, not a person's
    "sign|signs|syndrome|disease|murmur|score|scale|criteria|fracture|test|reflex|lymphoma|ulcer|"
    "catheter|clamp|tube|palsy|hernia|node|nodes|law|pouch|esophagus|oesophagus|procedure|"
    "contracture|phenomenon|triad|classification|stain|bodies|bag|protocol|blue|nodules?|maneuver|manoeuvre|method|technique|position|graft|solution|ligament|canal|lesion|tumou?r|cyst|duct"
)
NOT_NAMES = frozenset(NUMBERS) | frozenset(
    """
    a an the this that these those he she it they we you i his her their our your my its and or
    not no of in on at by for with without from to as if is are was were be been has have had
    having do does did done can could may might will would shall should must also then than
    there here when while who whom what which how all any each every both few more most other
    some such only same so too very just but because until about above after again against
    before below between down during further into off once out over through under up yes none
    nil na unknown new old today tomorrow yesterday now morning night noon midnight tonight
    monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thurs fri sat
    sun patient patients pt pts name date time age sex male female man woman boy girl baby
    infant child sir madam colleague colleagues doctor doctors nurse nurses sister team staff
    family relative parent parents mother father brother daughter son wife husband partner
    friend neighbor neighbour carer caregiver guardian witness caller home house address phone
    fax email mobile number page dob mrn ssn nhs id pcp gp md rn np pa do phd dr mr mrs ms miss
    prof attending resident fellow consultant registrar intern student practitioner physician
    surgeon assistant specialist manager coordinator therapist technician tech provider
    prescriber clinician secretary supervisor author hospital clinic ward unit department
    emergency center centre medical general university health healthcare care service services
    trust infirmary surgery office room bed floor icu ed er or pacu snf rehab rehabilitation
    hospice nursing facility assisted memory group homeless shelter cardiology neurology ortho
    orthopedics orthopaedics orthopedic trauma oncology radiology nephrology urology
    gastroenterology hepatology pulmonology respiratory endocrinology rheumatology dermatology
    psychiatry psychology ophthalmology anesthesia anaesthesia anesthesiology pathology
    pediatrics paediatrics geriatrics obstetrics gynecology gynaecology infectious palliative
    hematology haematology immunology vascular thoracic plastics neurosurgery dietary nutrition
    pharmacy physio physiotherapy occupational therapy speech social work worker case management
    wound tumor tumour board interventional intensive critical acute primary outpatient
    inpatient ambulance ems police fire paramedic paramedics dietitian dietician security
    administration records billing registration reception scheduling triage admission admissions
    discharge discharged admitted transfer transferred summary report reports reported note
    notes letter plan assessment history physical exam examination review reviewed systems chief
    complaint complaints complains impression findings finding comparison technique indication
    indications procedure procedures diagnosis diagnoses medications medication meds allergies
    allergy labs laboratory imaging results result vitals signs sign symptoms symptom
    recommendation follow followup return visit visits appointment consent contact precautions
    code status full signed signature electronically dictated transcribed copy re cc subject
    sincerely regards yours faithfully dear thanks thank hello hi best kind electronic
    confidential denies denied states stated says said notes noted feels felt appears looks
    seems presents presented presenting presentation called calls call arrived left lives living
    works seen saw see sent given gave take takes took taking taken advised agrees agreed
    refused declines declined requests requested able unable alert oriented awake asleep stable
    unstable improved improving worse worsening better resolved unchanged normal abnormal
    negative positive neg pos clear intact present absent mild moderate severe acute chronic
    deceased dead died alive well healthy unwell passed aware notified informed updated paged
    evaluated treated started stopped continue continued hold held increase decreased increased
    decrease monitor monitored check checked repeat recheck chest pain breath shortness
    abdominal abdomen back head neck heart lung lungs liver kidney renal cardiac pulmonary brain
    breast prostate colon skin bone blood urine stool eye eyes ear ears nose throat knee hip
    shoulder arm leg foot hand wrist spine lumbar cervical thoracic left right upper lower
    bilateral anterior posterior lateral medial fever cough nausea vomiting diarrhea headache
    dizziness weakness fatigue swelling rash bleeding infection pneumonia sepsis stroke seizure
    seizures diabetes diabetic hypertension hyperlipidemia hypothyroidism cancer carcinoma
    asthma copd depression anxiety dementia alzheimer alzheimers parkinson obesity anemia
    anaemia arthritis osteoporosis failure disease disorder syndrome injury fracture fall falls
    fell stress test echo ecg ekg eeg ct mri xray ultrasound biopsy culture cultures glucose
    sodium potassium creatinine hemoglobin haemoglobin platelets troponin lactate insulin
    aspirin warfarin heparin metformin lisinopril metoprolol oxygen room air saline lidocaine
    vitamin nad dnr npo htn cad chf uti tablet tablets capsule dose daily twice weekly vaccine
    vaccines immunizations flu covid coli difficile diff pylori aureus pneumoniae faecalis
    albicans marfan lynch crohn huntington hodgkin mouth oral intravenous smoker smoking alcohol
    tobacco drug drugs drinks drives retired teacher farmer engineer street st road rd avenue
    ave lane ln drive boulevard blvd court place hill square north south east west united states
    kingdom english american british indian african asian hispanic white black interpreter pager
    ext extension beeper bleep tel telephone cell step level stage grade type class score scale
    view views version series image figure table lot batch serial device policy account
    insurance medicare medicaid claim claims accession specimen sample order orders operation
    operative postoperative preoperative preop postop estimated loss complications weight height
    temperature temp pulse pressure bp hr rr spo2 bmi mass index ejection fraction reason
    referral referred referring consult consultation progress daily initial final addendum
    preliminary telephone encounter message portal online video telehealth oh ok okay yeah yep
    nope um uh hm hmm ah me good well sure tell thank doing never sometimes usually absolutely
    mister maam childhood adult female male tylenol ibuprofen acetaminophen augmentin lasix
    zofran morphine ativan haldol god doppler northern southern western poison rescue squad
    project access university wells glasgow murphy babinski romberg apgar braden morse waterlow
    adhd autism lupus eczema gout migraine migraines bipolar suicide adopted estranged celiac goiter
    """.split()
)
MEASURES = frozenset(  # what is measured or dosed: a number right after it is no date and no phone
    """
    na k cl co2 bun cr creat creatinine glucose gluc bg fbg sugar sugars bgs hgb hb hct wbc plt
    plts platelets anc inr ptt ca mg phos ast alt alp bili amylase lipase bnp ntprobnp trop
    troponin crp esr ferritin tsh a1c hba1c psa cea ck ldl hdl iga ige igg cd4 lactate abg vbg
    pco2 po2 hco3 p/f pef pefr peak flow fev1 fvc bp map cvp pap pcwp hr rr pulse rate resp temp
    tmax sats sat spo2 o2 fio2 peep bipap cpap vent ac simv ps vt uop output intake i/o in/out
    ebl weight wt bmi height lvef ef rvsp qt qtc qrs pr axis gcs nihss mrs pain score scores
    grade murmur strength power reflexes reflex scale mmse moca phq-9 gad-7 berg fim odi dash
    pasi rom flexion gait vas nrs insulin glargine lispro novolog lantus humalog gabapentin
    prednisone taper mmf tac tacrolimus keppra sinemet dose doses ratio level levels range titer
    vl load count counts cuff is vest iop va cdr gleason ki-67 aaa abi polyps stone trough peak
    mme ipss pvr aaa pth ca-125 ca19-9 visit stage exon chapter section version pages page items
    item grip development centiles percentile centile ratios bmp cbc cmp chem fraction vision
    acuity od os ou
    """.split()
)
